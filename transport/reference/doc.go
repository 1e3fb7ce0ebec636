// Package reference hands out a listener's OpenAPI document, and the same as a
// page for people: one file of HTML without anything from elsewhere, made when
// it is first asked for and the same bytes from then on.
package reference
