// Package busy is offhook from an event to the disk: the real store, owners and
// engine, with make-believe phones whose calls ring, are answered, held,
// retrieved and released, each as soon as what was before is durable. What is
// measured is offhook's own work; the phones do as little as they can.
//
// Beside it stands a bare Pebble that commits the very rows that offhook would
// write, read back from its log.
package busy
