package syntax

import "github.com/tpinfo/tpinfo/compiler/diag"

// Kind is the kind of a token.
type Kind int

// The kinds of tokens. An operator's or keyword's text tells which it is.
const (
	EndToken Kind = iota
	NameToken
	NumberToken
	StringToken
	TargetToken   // "$name", "$$vars"
	AtToken       // "@cast": a built-in that starts with an at sign
	OperatorToken // punctuation too
	KeywordToken
	ArgumentToken // "$1", "@1", "$#", "@#": the preprocessor puts what it stands for in its place
	EmbeddedToken // "%{ … %}": C code
	JunkToken     // what is no token
)

var kindNames = map[Kind]string{
	EndToken: "the end of the script", NameToken: "a name", NumberToken: "a number", StringToken: "a string",
	TargetToken: "a target variable", AtToken: "a built-in", OperatorToken: "an operator", KeywordToken: "a keyword",
	ArgumentToken: "an argument of the script", EmbeddedToken: "embedded C", JunkToken: "what is no token",
}

// String names the kind as messages do.
func (k Kind) String() string { return kindNames[k] }

// Token is one word of a script.
type Token struct {
	Kind Kind
	Span diag.Span
	// Text is the token as written; of a String, what it stands for.
	Text string
	// Value of a Number.
	Value int64
	// Spaced: white space or a comment stands before it.
	Spaced bool
	// wrong is what is wrong with it. It is an error only where the token is
	// used: what the preprocessor leaves out may be anything.
	wrong *diag.Error
}

// operator reports whether t is this operator.
func (t Token) operator(text string) bool { return t.Kind == OperatorToken && t.Text == text }

// keywords cannot be names (man stap, "language").
var keywords = map[string]bool{
	"probe": true, "global": true, "private": true, "function": true, "if": true, "else": true, "while": true,
	"for": true, "foreach": true, "in": true, "limit": true, "return": true, "delete": true, "next": true,
	"break": true, "continue": true, "try": true, "catch": true,
}

// directives are the preprocessor's own operators.
var directives = map[string]bool{"%(": true, "%?": true, "%:": true, "%)": true}

// operators, the longest first among those that start alike.
var operators = []string{
	"<<<", "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "=~", "!~", "&&", "||",
	"+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", ".=",
	"%(", "%?", "%:", "%)",
	"+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">", "=", "?", ":", ";", ",", ".", "(", ")", "[", "]", "{", "}",
}
