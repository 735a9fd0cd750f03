namespace SLoRA.Text.Templates;

/// <summary>
/// What a missing name, key or attribute gives: it prints as nothing, iterates as nothing and is false, and every other use is an error.
/// </summary>
internal sealed class Undefined(string message, string code = Undefined.Missing)
{
    /// <summary>The code of an ordinary missing value.</summary>
    public const string Missing = "template.undefined";

    /// <summary>The code of something that exists but that the sandbox does not hand out.</summary>
    public const string Unsafe = "template.security";

    /// <summary>What a use of this value reports.</summary>
    public string Message { get; } = message;

    /// <summary>The error code of a use.</summary>
    public string Code { get; } = code;

    /// <summary>A name that no scope knows.</summary>
    public static Undefined Name(string name) => new($"'{name}' is undefined");

    /// <summary>A key or attribute that an object lacks.</summary>
    public static Undefined Member(object? owner, object? key) => key is string or RichText
        ? new($"'{Types.Name(owner)} object' has no attribute '{key}'")
        : new($"{Types.Name(owner)} object has no element {(key is long or bool or double ? Scalar(key) : Types.Name(key))}");

    /// <summary>An attribute that the immutable sandbox refuses.</summary>
    public static Undefined Forbidden(object? owner, string name) =>
        new($"access to attribute '{name}' of '{Types.Name(owner)}' object is unsafe.", Unsafe);

    private static string Scalar(object? key) => Convert.ToString(key, System.Globalization.CultureInfo.InvariantCulture) ?? "";
}
