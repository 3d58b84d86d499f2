// Package natsqueue shares a fleet among machines, over NATS JetStream.
//
// Coordinator.Run is one side, a fleet.Queue; Worker.Run that of a machine which
// builds. Nobody else is needed: what they agree on lies in three places on the
// server, made by whoever comes first (setup.go):
//
//	stream tpinfo-tasks    work queue: tpinfo.task.ID, one message a task
//	objects tpinfo         packages and encoded results, each by its SHA-256 (package objects)
//	keys tpinfo            result.ID  where a task's result lies, or what it lacked
//	                       tries.ID   who began a task and did not finish it
//	                       headers.DIGEST  a kernel built from these headers, or who is at it (kin.go)
//	                       group.DIGEST  who has unpacked what tasks share (choose.go)
//
// ID names a task (message.go): the same task offered twice, by a coordinator
// that was restarted or by two at once, is one message and one result.
//
// The way of a task:
//
//	1 feed     packages that are not there are uploaded, the task is queued  feed.go
//	2 take     a worker takes it, rather one that shares packages with those
//	           it had, and says so while it builds                           choose.go, take.go
//	3 build    packages come by digest, checked, into a folder; the build     parcels.go, worker.go
//	4 keep     the result is stored, named under result.ID, then the task is
//	           acknowledged: in this order, so that no moment loses it        worker.go
//	5 collect  the coordinator reads it and hands it on, once                 collect.go
//
// Messages outside JetStream are hints and may be lost: tpinfo.done.ID makes a
// coordinator look at once, tpinfo.step.ID tells it how far a worker is, and a
// question on tpinfo.who is answered by every worker with what it is building.
// The truth is in the store, and coordinators go through it at intervals: a task
// that is neither queued nor has a result is queued again, a package that is
// gone is uploaded again.
//
// Time is the server's: clocks of other machines are never compared.
package natsqueue
