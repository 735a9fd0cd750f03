namespace SLoRA.Formats;

/// <summary>The stable codes of load errors: the thing being loaded, a dot, the kind.</summary>
internal static class LoadErrorCode
{
    public static string Code(this LoadErrorKind kind, string scope) => kind switch
    {
        LoadErrorKind.File => scope + ".file",
        LoadErrorKind.Config => scope + ".config",
        LoadErrorKind.Tensor => scope + ".tensor",
        LoadErrorKind.Incompatible => scope + ".incompatible",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of load error"),
    };
}
