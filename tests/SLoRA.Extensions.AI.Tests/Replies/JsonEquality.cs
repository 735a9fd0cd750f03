using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace SLoRA.Extensions.AI.Tests.Replies;

/// <summary>Compares JSON as values: the order of keys is free, numbers count by their exact value.</summary>
internal static class JsonEquality
{
    public static bool AreEqual(JsonElement a, JsonElement b) => AreEqual(a, b, static (x, y) => Value(x) == Value(y));

    private static bool AreEqual(JsonElement a, JsonElement b, Func<JsonElement, JsonElement, bool> number)
    {
        if (a.ValueKind != b.ValueKind)
        {
            return false;
        }

        return a.ValueKind switch
        {
            JsonValueKind.Object => a.EnumerateObject().Count() == b.EnumerateObject().Count()
                && a.EnumerateObject().All(
                    member => b.TryGetProperty(member.Name, out JsonElement other) && AreEqual(member.Value, other, number)),
            JsonValueKind.Array => a.GetArrayLength() == b.GetArrayLength()
                && a.EnumerateArray().Zip(b.EnumerateArray()).All(pair => AreEqual(pair.First, pair.Second, number)),
            JsonValueKind.String => a.GetString() == b.GetString(),
            JsonValueKind.Number => number(a, b),
            _ => true,
        };
    }

    /// <summary>
    /// As <see cref="AreEqual(JsonElement, JsonElement)"/>, but numbers with a fraction or an exponent count as doubles: what a template
    /// makes of them.
    /// </summary>
    public static bool AreClose(JsonElement a, JsonElement b) =>
        AreEqual(a, b, static (x, y) => Value(x) == Value(y) || x.GetDouble().Equals(y.GetDouble()));

    // Digits and the power of ten that they count in.
    private static (BigInteger Digits, int Exponent) Value(JsonElement number)
    {
        string[] parts = number.GetRawText().ToLowerInvariant().Split('e');
        int exponent = parts.Length > 1 ? int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        int point = parts[0].IndexOf('.', StringComparison.Ordinal);
        exponent -= point < 0 ? 0 : parts[0].Length - point - 1;
        BigInteger digits = BigInteger.Parse(parts[0].Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        while (!digits.IsZero && digits % 10 == 0)
        {
            digits /= 10;
            exponent++;
        }

        return (digits, digits.IsZero ? 0 : exponent);
    }
}
