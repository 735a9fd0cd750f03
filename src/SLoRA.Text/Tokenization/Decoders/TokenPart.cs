namespace SLoRA.Text.Tokenization.Decoders;

/// <summary>Which part of a token a text is. A token reaches a stage whole, or as a beginning, any number of middles and an end.</summary>
[Flags]
internal enum TokenPart
{
    Middle = 0,
    Begin = 1,
    End = 2,
    Whole = Begin | End,
}
