// Package peers are other systems that make a transition durable as their users
// would have them do it: PostgreSQL, Redis and NATS JetStream, each on the same
// machine and disk as offhook, with its best settings that lose nothing.
//
// A transition replaces the record of one of 100,000 subscribers by 290 bytes,
// and appends a webhook's body of 300 bytes, in one step that survives a loss of
// power. Keys are those that offhook has, and the texts are made of chance. What
// was acknowledged is counted and compared with what is there after each round.
package peers
