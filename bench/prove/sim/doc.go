// Package sim puts offhook without its listeners, a store on a disk in memory
// and a simulated platform into one process and one clock, which runs as fast
// as they can think: minutes of traffic and of things going wrong take seconds.
// Then it compares what offhook says with what the platform knows. It holds
// tests only.
package sim
