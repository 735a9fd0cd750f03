using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SLoRA.Extensions.AI.Replies.Json;
using SLoRA.Extensions.AI.Replies.Reading;

namespace SLoRA.Extensions.AI.Tests.Replies.Json;

public sealed class JsonScannerTests
{
    private const string Alphabet = "{}[],:\"\\/ \n\t0123456789.-+eEtrufalsn'xé";

    private static readonly string[] Scalars =
        ["1", "0", "-0", "1.5", "-12e+3", "1E-2", "true", "false", "null", "\"\"", "\"a\"", "\"\\n\\u00e9\"", "\"\\ud83d\\ude00\"",
            "\"é😀\""];

    private static readonly Gen<string> Objects = Values(3).Select(value => $"{{ \"a\" : {value} }}");

    // A JSON text, and the same with one character in place of another, so that some are JSON and some are not.
    private static readonly Gen<string> Texts =
        from text in Objects
        from at in Gen.Choose(0, text.Length - 1)
        from replacement in Gen.Elements(Alphabet.ToCharArray())
        from isChanged in Gen.Elements(true, true, false)
        select isChanged && !char.IsSurrogate(text[at]) ? text[..at] + replacement + text[(at + 1)..] : text;

    [FsCheck.NUnit.Property(MaxTest = 5000, Replay = "(1234567,8901235)")]
    public Property What_it_takes_is_what_System_Text_Json_reads() =>
        Prop.ForAll(Arb.From(Texts), text => Assert.That(JsonScanner.IsObject(text), Is.EqualTo(IsObject(text)), text));

    [TestCase("{}")]
    [TestCase("{\"a\": [1, -0, 0.5, 1E+3, 12e-1, true, false, null, \"x\", {}, []]}")]
    [TestCase("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}")]
    [TestCase("{\"😀\":\"\\ud83d\\ude00\"}")]
    public void An_object_is_taken_to_its_last_bracket(string json)
    {
        Assert.That(new JsonScanner().Scan(json + "}] x", out int read), Is.EqualTo(Match.Yes));
        Assert.That(read, Is.EqualTo(json.Length));
    }

    [TestCase("{\"a\":1,}", 8)]
    [TestCase("{a:1}", 2)]
    [TestCase("{'a':1}", 2)]
    [TestCase("{\"a\":01}", 7)]
    [TestCase("{\"a\":1.}", 8)]
    [TestCase("{\"a\":-}", 7)]
    [TestCase("{\"a\":NaN}", 6)]
    [TestCase("{\"a\":trua}", 9)]
    [TestCase("{\"a\":\"\n\"}", 7)]
    [TestCase("{\"a\":\"\\x\"}", 8)]
    [TestCase("{\"a\":\"\\u00g0\"}", 11)]
    [TestCase("[1}", 3)]
    [TestCase("{\"a\" 1}", 6)]
    public void What_is_no_JSON_is_refused_at_the_first_character_that_makes_it_none(string text, int length)
    {
        Assert.That(new JsonScanner().Scan(text, out int read), Is.EqualTo(Match.No));
        Assert.That(read, Is.EqualTo(length));
    }

    [Test]
    public void Half_a_surrogate_pair_is_refused()
    {
        string[] values =
        [
            "\\ud83d", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\ud83d", "\\ude00", "\uD83D", "\uDE00", "\uD83Dx", "\uD83D\\ude00",
            "\\ud83d\uDE00",
        ];
        foreach (string value in values)
        {
            Assert.That(JsonScanner.IsObject($"{{\"a\":\"{value}\"}}"), Is.False, value);
            Assert.That(JsonScanner.IsObject($"{{\"a{value}\":1}}"), Is.False, value);
        }
    }

    [Test]
    public void What_nests_deeper_than_System_Text_Json_reads_is_refused()
    {
        string Nested(int depth) => new string('[', depth) + new string(']', depth);
        Assert.That(new JsonScanner().Scan(Nested(JsonScanner.MaxDepth), out _), Is.EqualTo(Match.Yes));
        Assert.That(new JsonScanner().Scan(Nested(JsonScanner.MaxDepth + 1), out _), Is.EqualTo(Match.No));
        Assert.That(() => JsonDocument.Parse(Nested(JsonScanner.MaxDepth)), Throws.Nothing);
    }

    private static Gen<string> Values(int depth)
    {
        Gen<string> scalar = Gen.Elements(Scalars);
        if (depth == 0)
        {
            return scalar;
        }

        Gen<string[]> items = Values(depth - 1).ArrayOf(2);
        return Gen.OneOf(
            scalar,
            items.Select(values => "[" + string.Join(" , ", values) + "]"),
            items.Select(values => $"{{\"b\":{values[0]},\"c\": {values[1]}}}"),
            Gen.Elements("[]", "{}"));
    }

    // As System.Text.Json sees it when it makes text of every string: that is where it refuses half of a surrogate pair.
    private static bool IsObject(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            ReadStrings(document.RootElement);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static int ReadStrings(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Sum(member => member.Name.Length + ReadStrings(member.Value)),
        JsonValueKind.Array => value.EnumerateArray().Sum(ReadStrings),
        JsonValueKind.String => value.GetString()!.Length,
        _ => 0,
    };
}
