namespace SLoRA.Text.Templates;

/// <summary>Arguments that must be text.</summary>
internal static class Text
{
    /// <summary>The characters of an argument, which must be text.</summary>
    public static string Of(Rendering r, object? value, string function)
    {
        r.Defined(value);
        return Types.IsText(value) ? value!.ToString()! : throw r.Runtime($"{function}() needs text, not {Types.Name(value)}");
    }

    /// <summary>An integer argument, cut to the range of a long.</summary>
    public static long Whole(Rendering r, object? value, string function)
    {
        r.Defined(value);
        return Types.IsInteger(value) ? Integers.Clamp(value) : throw r.Runtime($"{function}() needs an integer, not {Types.Name(value)}");
    }
}
