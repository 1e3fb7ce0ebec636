// Package hostile puts the real program among peers that mean it harm, and asks
// everybody else how they are served meanwhile: clients that send a byte at a
// time or never read, requests that are as long, as many or as ambiguous as a
// client can make them, and receivers that do to a webhook whatever a receiver
// can. Its folder platform does the same from the provider's side. It holds
// tests only.
package hostile
