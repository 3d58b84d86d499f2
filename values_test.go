package tpinfo

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleEvent() *Tracepoint {
	return &Tracepoint{
		System: "sched", Name: "sched_switch", Class: "sched_switch", Header: "include/trace/events/sched.h", Source: FromDWARF,
		Args: []Arg{
			{Name: "preempt", Type: "bool", Offset: 0, Size: 1},
			{Name: "secret", Type: "hidden_t", Offset: 8, Size: Unknown},
		},
		Record: &Record{Size: 64, Fields: []Field{
			{Name: "prev_comm", Type: "char[16]", Offset: 8, Size: 16, Signed: true},
			{Name: "msg", Type: "char[]", Offset: 40, Size: 4, Signed: true, Location: DataLoc},
		}},
		Problems: []Problem{{Code: UnknownType, Subject: "secret", Message: "no header has it", Supply: []string{"--btf FILE"}}},
	}
}

// The JSON form is a promise; this is the whole of it.
const sampleJSON = `{"schema":1,"kernel":"6.1.0-56-cloud-amd64","system":"sched","name":"sched_switch","class":"sched_switch",` +
	`"header":"include/trace/events/sched.h","source":"dwarf",` +
	`"args":[{"name":"preempt","type":"bool","offset":0,"size":1,"signed":false},{"name":"secret","type":"hidden_t","offset":8,"size":null,"signed":false}],` +
	`"record":{"size":64,"fields":[{"name":"prev_comm","type":"char[16]","offset":8,"size":16,"signed":true},` +
	`{"name":"msg","type":"char[]","offset":40,"size":4,"signed":true,"location":"data"}]},` +
	`"problems":[{"code":"unknown-type","subject":"secret","message":"no header has it","supply":["--btf FILE"]}]}`

func TestEventJSON(t *testing.T) {
	got, err := json.Marshal(EventOf{Release: "6.1.0-56-cloud-amd64", Event: sampleEvent()})
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != sampleJSON {
		t.Errorf("got  %s\nwant %s", got, sampleJSON)
	}
	for _, test := range []struct {
		event Tracepoint
		want  string
	}{
		{Tracepoint{Name: "x", Source: FromBTF}, `{"schema":1,"system":"","name":"x","class":"","header":"","source":"btf","args":null,"record":null,"problems":[]}`},
		{Tracepoint{Name: "x", Source: FromBTF, Args: []Arg{}, Record: &Record{Size: Unknown, Fields: []Field{}}}, `{"schema":1,"system":"","name":"x","class":"","header":"","source":"btf","args":[],"record":{"size":null,"fields":[]},"problems":[]}`},
	} {
		got, err := json.Marshal(test.event)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	var back Tracepoint
	if err := json.Unmarshal([]byte(sampleJSON), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleEvent(), &back); diff != "" {
		t.Errorf("and back (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`{"args":[{"size":-5}]}`, `{"args":[{"size":"x"}]}`, `{"record":{"size":1.5}}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// Every fact takes part in the content id; words and where it was learned do
// not.
func TestEventContentID(t *testing.T) {
	seen := map[ContentID]string{sampleEvent().ContentID(): "the sample"}
	for name, change := range map[string]func(*Tracepoint){
		"system":            func(e *Tracepoint) { e.System = "irq" },
		"name":              func(e *Tracepoint) { e.Name = "x" },
		"class":             func(e *Tracepoint) { e.Class = "x" },
		"header":            func(e *Tracepoint) { e.Header = "x" },
		"name and class":    func(e *Tracepoint) { e.Name, e.Class = "sched_switch_", "sched" },
		"args unknown":      func(e *Tracepoint) { e.Args = nil },
		"no args":           func(e *Tracepoint) { e.Args = []Arg{} },
		"arg name":          func(e *Tracepoint) { e.Args[0].Name = "x" },
		"arg type":          func(e *Tracepoint) { e.Args[0].Type = "int" },
		"arg offset":        func(e *Tracepoint) { e.Args[0].Offset = 4 },
		"arg size":          func(e *Tracepoint) { e.Args[0].Size = 2 },
		"arg size unknown":  func(e *Tracepoint) { e.Args[0].Size = Unknown },
		"arg signed":        func(e *Tracepoint) { e.Args[0].Signed = true },
		"no record":         func(e *Tracepoint) { e.Record = nil },
		"record size":       func(e *Tracepoint) { e.Record.Size = 65 },
		"no fields":         func(e *Tracepoint) { e.Record.Fields = nil },
		"field name":        func(e *Tracepoint) { e.Record.Fields[0].Name = "x" },
		"field type":        func(e *Tracepoint) { e.Record.Fields[0].Type = "x" },
		"field offset":      func(e *Tracepoint) { e.Record.Fields[0].Offset = 9 },
		"field size":        func(e *Tracepoint) { e.Record.Fields[0].Size = 9 },
		"field signed":      func(e *Tracepoint) { e.Record.Fields[0].Signed = false },
		"field location":    func(e *Tracepoint) { e.Record.Fields[0].Location = RelLoc },
		"no problem":        func(e *Tracepoint) { e.Problems = nil },
		"problem's code":    func(e *Tracepoint) { e.Problems[0].Code = ArgsMissing },
		"problem's subject": func(e *Tracepoint) { e.Problems[0].Subject = "x" },
		"problem's supply":  func(e *Tracepoint) { e.Problems[0].Supply = nil },
	} {
		e := sampleEvent()
		change(e)
		id := e.ContentID()
		if other, taken := seen[id]; taken {
			t.Errorf("changing %s gives the id of %s", name, other)
		}
		seen[id] = name
	}
	same := sampleEvent()
	same.Source, same.Problems[0].Message = FromDWARFBTF, "other words"
	if same.ContentID() != sampleEvent().ContentID() {
		t.Error("the source or the words of a problem change the id")
	}
	// On every machine, today and tomorrow: a change of this is a new schema
	// of the cache.
	if got, want := sampleEvent().ContentID().String(), "3b231457"; !strings.HasPrefix(got, want) {
		t.Errorf("the sample's id is %s, it was %s…", got, want)
	}
}

func sampleType() *Type {
	return &Type{Kind: KindStruct, Name: "struct page", Size: 64, Members: []Member{
		{Name: "flags", Type: "unsigned long", Size: 8, BitSize: 3, BitOffset: 1},
		{Name: "", Type: AnonUnion, Offset: 8, Size: 8, Anon: &Type{Kind: KindUnion, Size: 8, Members: []Member{{Name: "next", Type: "struct page *", Size: 8}}}},
	}}
}

func TestTypeContentID(t *testing.T) {
	seen := map[ContentID]string{sampleType().ContentID(): "the sample"}
	for name, change := range map[string]func(*Type){
		"kind":          func(x *Type) { x.Kind = KindUnion },
		"name":          func(x *Type) { x.Name = "struct folio" },
		"size":          func(x *Type) { x.Size = 65 },
		"encoding":      func(x *Type) { x.Encoding = EncSigned },
		"of":            func(x *Type) { x.Of = "int" },
		"anon":          func(x *Type) { x.Anon = &Type{} },
		"no members":    func(x *Type) { x.Members = nil },
		"member name":   func(x *Type) { x.Members[0].Name = "x" },
		"member type":   func(x *Type) { x.Members[0].Type = "int" },
		"member offset": func(x *Type) { x.Members[0].Offset = 1 },
		"member size":   func(x *Type) { x.Members[0].Size = 1 },
		"bit offset":    func(x *Type) { x.Members[0].BitOffset = 2 },
		"bit size":      func(x *Type) { x.Members[0].BitSize = 2 },
		"inner member":  func(x *Type) { x.Members[1].Anon.Members[0].Name = "x" },
		"no inner":      func(x *Type) { x.Members[1].Anon = nil },
		"constant":      func(x *Type) { x.Enumerators = []Enumerator{{Name: "A", Value: 1}} },
		"its name":      func(x *Type) { x.Enumerators = []Enumerator{{Name: "B", Value: 1}} },
		"its value":     func(x *Type) { x.Enumerators = []Enumerator{{Name: "A", Value: -1}} },
	} {
		x := sampleType()
		change(x)
		id := x.ContentID()
		if other, taken := seen[id]; taken {
			t.Errorf("changing %s gives the id of %s", name, other)
		}
		seen[id] = name
	}
}

func TestComplete(t *testing.T) {
	whole := func() *Tracepoint {
		e := sampleEvent()
		e.Args[1].Size = 8
		return e
	}
	if !whole().Complete() {
		t.Error("an event of which all is known is not complete")
	}
	for name, change := range map[string]func(*Tracepoint){
		"no arguments known":   func(e *Tracepoint) { e.Args = nil },
		"an argument's size":   func(e *Tracepoint) { e.Args[0].Size = Unknown },
		"the record's size":    func(e *Tracepoint) { e.Record.Size = Unknown },
		"a field's offset":     func(e *Tracepoint) { e.Record.Fields[0].Offset = Unknown },
		"a field's size":       func(e *Tracepoint) { e.Record.Fields[0].Size = Unknown },
		"a dynamic array's of": func(e *Tracepoint) { e.Record.Fields[1].Type = "" },
	} {
		e := whole()
		change(e)
		if e.Complete() {
			t.Errorf("complete without %s", name)
		}
	}
	bare := whole()
	bare.Record = nil
	if !bare.Complete() {
		t.Error("an event that has no record is not complete")
	}
}

func TestNames(t *testing.T) {
	if got := sampleEvent().FullName(); got != "sched:sched_switch" {
		t.Error(got)
	}
	if got := (&Tracepoint{Name: "x"}).FullName(); got != "x" {
		t.Error(got)
	}
	p := Problem{Code: UnknownType, Subject: "secret", Message: "no header has it", Supply: []string{"--btf FILE", "--source DIR"}}
	if got, want := p.String(), "secret: no header has it; supply it with --btf FILE or --source DIR"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Unknown.String() != "?" || Bytes(0).String() != "0" || Bytes(0).Known() == Unknown.Known() {
		t.Error("unknown is not told from zero")
	}
}
