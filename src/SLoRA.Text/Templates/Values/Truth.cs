using System.Numerics;

namespace SLoRA.Text.Templates;

/// <summary>Which values count as true: all but none, false, zero, the empty and the undefined.</summary>
internal static class Truth
{
    public static bool Of(object? value) => value switch
    {
        null or Undefined => false,
        bool b => b,
        long l => l != 0,
        BigInteger big => !big.IsZero,
        double d => d != 0,
        string s => s.Length > 0,
        RichText rich => rich.Text.Length > 0,
        TemplateSequence sequence => sequence.Items.Length > 0,
        TemplateDict dict => dict.Count > 0,
        DictView view => view.Dict.Count > 0,
        TemplateRange range => range.Length > 0,
        LoopState loop => loop.Length > 0,
        _ => true,
    };
}
