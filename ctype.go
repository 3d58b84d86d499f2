package tpinfo

// Kind is the kind of a type definition.
type Kind string

// The kinds.
const (
	KindBase    Kind = "base"
	KindStruct  Kind = "struct"
	KindUnion   Kind = "union"
	KindEnum    Kind = "enum"
	KindTypedef Kind = "typedef"
)

// Encoding is how the bits of a base type or an enum are read.
type Encoding string

// The encodings.
const (
	EncSigned   Encoding = "signed"
	EncUnsigned Encoding = "unsigned"
	EncBool     Encoding = "bool"
	EncFloat    Encoding = "float"
)

// Type is the definition of one C type.
//
// Named types are "struct task_struct", "union sigval", "enum pid_type", "u32",
// "unsigned long": the tag keyword is part of the name, so one namespace holds
// all. An enum without a tag is named after its first constant,
// "enum {HRTIMER_RESTART}". A struct or union without a tag has no name and
// stands in the definition that uses it (Anon).
type Type struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name,omitempty"`
	// Size in bytes; of a typedef, that of its target. Unknown for a typedef
	// of something that is only declared, and for void.
	Size Bytes `json:"size"`
	// Encoding of a base type or an enum.
	Encoding Encoding `json:"encoding,omitempty"`
	// Of is the spelling of a typedef's target.
	Of string `json:"of,omitempty"`
	// Anon defines the unnamed struct or union at the bottom of Of.
	Anon        *Type        `json:"anon,omitempty"`
	Members     []Member     `json:"members,omitempty"`     // struct, union: in declaration order
	Enumerators []Enumerator `json:"enumerators,omitempty"` // enum: in declaration order
}

// Member is one member of a struct or union.
type Member struct {
	// Name is empty for an anonymous struct or union, whose members are
	// reached as the parent's own; its definition is Anon or, for "struct tag;"
	// inside a struct (gcc's and clang's -fms-extensions), that of Type.
	Name string `json:"name"`
	Type string `json:"type"` // C spelling; AnonStruct and AnonUnion stand for Anon
	// Offset counts bytes from the parent's start. Of a bitfield: the byte
	// that holds its first bit.
	Offset Bytes `json:"offset"`
	Size   Bytes `json:"size"` // of the declared type; 0 for a flexible array
	// BitSize is a bitfield's width in bits, 0 for other members; BitOffset
	// is its first bit's place in the byte at Offset, 0 to 7, counted from the
	// least significant bit on a little-endian kernel and from the most
	// significant on a big-endian one. So a bitfield's place is
	// 8*Offset+BitOffset, whatever storage unit the compiler had in mind.
	BitOffset int `json:"bit_offset,omitempty"`
	BitSize   int `json:"bit_size,omitempty"`
	// Anon defines the unnamed struct or union at the bottom of Type.
	Anon *Type `json:"anon,omitempty"`
}

// Enumerator is one constant of an enum.
type Enumerator struct {
	Name  string `json:"name"`
	Value int64  `json:"value"` // two's complement of an unsigned value beyond 2^63-1
}
