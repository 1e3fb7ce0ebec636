// Package deploy has what runs offhook as a service. Its tests hold that
// against the program and, where there is systemd, against systemd.
package deploy
