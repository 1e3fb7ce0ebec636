// Package platform puts offhook without its listeners in front of a platform
// that means it harm: answers and event streams that do not end, explode, lie,
// drip or break off, and then, in the same clock, of a sudden the good platform
// again. Whatever happened meanwhile, offhook's memory was bounded, it said
// that the link was down, it did not hammer, and in the end it knows exactly
// the calls there are. It holds tests only.
package platform
