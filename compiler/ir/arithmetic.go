package ir

// Arithmetic is what an operator, Add to Shr, gives for two Longs, as node.go says;
// false for a division by zero and for what is no such operator.
func Arithmetic(op Op, a, b int64) (int64, bool) {
	switch op {
	case Add:
		return a + b, true
	case Sub:
		return a - b, true
	case Mul:
		return a * b, true
	case Div, Mod:
		if b == 0 {
			return 0, false
		}
		if op == Div {
			return a / b, true
		}
		return a % b, true
	case And:
		return a & b, true
	case Or:
		return a | b, true
	case Xor:
		return a ^ b, true
	case Shl:
		return a << (b & 63), true
	case Shr:
		return a >> (b & 63), true
	}
	return 0, false
}

// Compared is what a comparison gives for operands of which the first is less
// (-1), equal (0) or greater (1); false for what is no comparison.
func Compared(op Op, order int) (int64, bool) {
	var holds bool
	switch op {
	case Eq:
		holds = order == 0
	case Ne:
		holds = order != 0
	case Lt:
		holds = order < 0
	case Le:
		holds = order <= 0
	case Gt:
		holds = order > 0
	case Ge:
		holds = order >= 0
	default:
		return 0, false
	}
	return Truth(holds), true
}

// Truth is what a condition gives: 1 where it holds, and 0.
func Truth(holds bool) int64 {
	if holds {
		return 1
	}
	return 0
}
