// Package browser drives the console of a running offhook with Chromium, as
// somebody at a screen would: what it does is seen in the page, and what the
// page says is compared with what the API says.
package browser
