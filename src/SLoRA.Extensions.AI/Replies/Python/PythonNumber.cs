using SLoRA.Extensions.AI.Replies.Json;

namespace SLoRA.Extensions.AI.Replies.Python;

/// <summary>Numbers of Python as JSON writes them.</summary>
internal static class PythonNumber
{
    /// <summary>The same number in JSON, digit by digit; null where it is none, or one that JSON cannot write.</summary>
    public static string? ToJson(ReadOnlySpan<char> number)
    {
        string sign = number.StartsWith('-') ? "-" : "";
        ReadOnlySpan<char> digits = number.TrimStart("+-");
        if (number.Length - digits.Length > 1)
        {
            return null;
        }

        int end = digits.IndexOfAny('e', 'E');
        string mantissa = (end < 0 ? digits : digits[..end]).ToString();
        string exponent = (end < 0 ? [] : digits[end..]).ToString();
        mantissa = mantissa.StartsWith('.') ? "0" + mantissa : mantissa;
        mantissa = mantissa.EndsWith('.') ? mantissa + "0" : mantissa;

        string json = sign + mantissa + exponent;
        return new JsonScanner().Scan($"[{json}]", out int read) == Reading.Match.Yes && read == json.Length + 2 ? json : null;
    }
}
