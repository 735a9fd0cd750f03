namespace SLoRA.Text.Tokenization.Patterns;

/// <summary>One operation of a compiled expression with its operands.</summary>
internal readonly record struct PatternStep(PatternOp Op, int A = 0, int B = 0, CharSet? Set = null, int Min = 0, int Max = 0);
