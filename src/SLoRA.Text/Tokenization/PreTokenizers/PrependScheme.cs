namespace SLoRA.Text.Tokenization.PreTokenizers;

/// <summary>Before which pieces <see cref="MetaspacePreTokenizer"/> puts its character.</summary>
internal enum PrependScheme
{
    First,
    Never,
    Always,
}
