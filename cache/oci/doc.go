// Package oci keeps exported kernels in an OCI registry, and gets them back.
//
// What is published is one image index at a tag, with one manifest for each
// kernel, and each manifest has one layer: the bundle, the file that the cache
// exports of that kernel. So one kernel can be fetched without the others, and
// what is there already is not sent again. Annotations say of each kernel what
// it is (Entry), in the index already, so that a choice costs one request.
//
//	reference    oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]     reference.go
//	entry        a kernel as descriptor and manifest say it     entry.go
//	repository   the registry: what is at a tag, one bundle     repository.go
//	push         bundles in, and the index that leads to them   push.go
//	errors       what can be wrong, and what to do              errors.go
//
// To this package a bundle is bytes. It makes sure that they are those that the
// index names (size and digest); what is in them, and who signed them, is for
// the cache to check. Nothing is said of times, so the same kernels give the
// same index on every day.
//
// The form is that of the OCI image specification 1.1
// (https://github.com/opencontainers/image-spec), its guidance for artifacts;
// registries without support for artifacts keep it as any image.
package oci
