using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Tests;

/// <summary>
/// JSON as strangers write it: it becomes text or a <see cref="ChatTemplateException"/>, wherever in a conversation it stands.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ChatJsonTests
{
    private static readonly ChatTemplate Everything =
        ChatTemplate.Parse("{{ messages|tojson }}{{ tools|tojson }}{{ documents|tojson }}{% if x is defined %}{{ x|tojson }}{% endif %}");

    private static IEnumerable<TestCaseData> Readable()
    {
        yield return new TestCaseData("\"Hello \\ud83d\"", "\"Hello \uFFFD\"").SetArgDisplayNames("half a pair at the end");
        yield return new TestCaseData("\"\\ude00\\ud83d\\ude00!\"", "\"\uFFFD😀!\"").SetArgDisplayNames("half a pair before a whole one");
        yield return new TestCaseData("\"\\b\\f\\n\\r\\t\\/\\\\\\\"\\u0041\\ud83d\"", "\"\\b\\f\\n\\r\\t/\\\\\\\"A\uFFFD\"")
            .SetArgDisplayNames("all escapes");
        yield return new TestCaseData("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\": 3, \"b\": 2}").SetArgDisplayNames("a member twice");
        yield return new TestCaseData("[[{\"a\":{\"b\":1,\"b\":{\"c\":[],\"c\":[2]}}}]]", "[[{\"a\": {\"b\": {\"c\": [2]}}}]]")
            .SetArgDisplayNames("members twice, deeper");
        yield return new TestCaseData("1e999", "Infinity").SetArgDisplayNames("beyond a float");
        yield return new TestCaseData("-0.0", "-0.0").SetArgDisplayNames("minus zero");
        yield return new TestCaseData("123456789012345678901234567890", "123456789012345678901234567890")
            .SetArgDisplayNames("beyond 64 bits");
    }

    [Test]
    public void A_message_can_be_logged_whatever_was_said()
    {
        var message = TemplateMessage.FromJson(JsonNode.Parse("""{"role":"user","content":"a\ud800b"}""")!);

        Assert.That(message.ToString(), Is.EqualTo("TemplateMessage { Role = user }"));
    }

    [TestCaseSource(nameof(Readable))]
    public void What_can_be_read_is_text_wherever_it_stands(string value, string expected)
    {
        foreach ((string place, string document, string text) in Places(value, expected))
        {
            string rendered = Everything.Render(new ChatTemplateInputs(JsonNode.Parse(document)!));
            Assert.That(rendered, Is.EqualTo(text + "nullnull"), place);
            using JsonDocument parsed = JsonDocument.Parse(document);
            Assert.That(Everything.Render(new ChatTemplateInputs(parsed.RootElement)), Is.EqualTo(rendered), place);
            Assert.That(
                Everything.Render(
                    new ChatTemplateInputs([.. JsonNode.Parse(document)!.AsArray().Select(m => TemplateMessage.FromJson(m!))])),
                Is.EqualTo(rendered), place);
        }

        JsonNode node = JsonNode.Parse($"[{value}]")!;
        var inputs = new ChatTemplateInputs(new JsonArray())
        {
            Tools = node,
            Documents = node,
            Variables = new Dictionary<string, JsonNode?> { ["x"] = node },
        };
        Assert.That(Everything.Render(inputs), Is.EqualTo("[]" + string.Concat(Enumerable.Repeat($"[{expected}]", 3))));
    }

    [Test]
    public void A_message_with_a_member_twice_or_half_a_pair_has_the_last_and_a_replacement()
    {
        TemplateMessage message =
            TemplateMessage.FromJson(JsonNode.Parse("""{"role":"x","role":"user","content":"a","content":"b","name":1,"name":2}""")!);

        Assert.That(TemplateMessage.FromJson(JsonNode.Parse("""{"role":"us\ud83d"}""")!).Role, Is.EqualTo("us\uFFFD"));
        Assert.That(message.Role, Is.EqualTo("user"));
        Assert.That(message.Content!.GetValue<string>(), Is.EqualTo("b"));
        Assert.That(message.Members["name"]!.GetValue<int>(), Is.EqualTo(2));
    }

    [Test]
    public void What_a_host_puts_into_a_node_is_a_value_or_a_typed_error()
    {
        Assert.That(Rendered(JsonValue.Create(double.NaN)), Is.EqualTo("NaN"));
        Assert.That(Rendered(JsonValue.Create(float.NegativeInfinity)), Is.EqualTo("-Infinity"));
        Assert.That(Rendered(JsonValue.Create("a\ud83d")), Is.EqualTo("\"a\uFFFD\""));
        Assert.That(() => Rendered(JsonValue.Create(Half.NaN)), Throws.TypeOf<ChatTemplateException>().With.Property("Code")
            .EqualTo("template.input"));
    }

    [Test]
    public void What_cannot_be_read_is_a_typed_error()
    {
        string deep = string.Concat(Enumerable.Repeat("[", 250)) + string.Concat(Enumerable.Repeat("]", 250));
        var options = new JsonDocumentOptions { MaxDepth = 300 };
        foreach ((string value, string code) in new[] { (deep, "template.limit"), (new string('9', 4_400), "template.limit"),
            ("{\"a\\ud83d\":1}", "template.input") })
        {
            foreach ((string place, string document, _) in Places(value, ""))
            {
                Assert.That(() => Everything.Render(new ChatTemplateInputs(JsonNode.Parse(document, null, options)!)),
                    Throws.TypeOf<ChatTemplateException>().With.Property("Code").EqualTo(code), place);
            }
        }

        JsonNode nested = new JsonArray();
        for (int i = 0; i < 100_000; i++)
        {
            nested = new JsonArray(nested);
        }

        Assert.That(() => new ChatTemplateInputs(nested), Throws.TypeOf<ChatTemplateException>().With.Property("Code")
            .EqualTo("template.limit"));
        Assert.That(() => new ChatTemplateInputs([null!]), Throws.TypeOf<ChatTemplateException>().With.Property("Code")
            .EqualTo("template.input"));
        foreach (string message in new[] { "[]", "{}", "{\"role\":1}", "{\"role\":null}", "{\"a\\ud83d\":1}", "\"role\"" })
        {
            Assert.That(
                () => TemplateMessage.FromJson(JsonNode.Parse(message)!), Throws.TypeOf<ChatTemplateException>().With.Property("Code")
                .EqualTo("template.input"), message);
        }
    }

    // Elements bear the name that nodes do not.
    [Test]
    public void Half_a_pair_in_a_name_is_a_replacement_where_it_can_be_read()
    {
        using JsonDocument document = JsonDocument.Parse("""[{"role":"user","content":"x","a\ud83d":1}]""");
        Assert.That(Everything.Render(new ChatTemplateInputs(document.RootElement)),
            Does.StartWith("[{\"role\": \"user\", \"content\": \"x\", \"a\uFFFD\": 1}]"));
    }

    private static string Rendered(JsonNode? value) =>
        ChatTemplate.Parse("{{ x|tojson }}")
            .Render(new ChatTemplateInputs(new JsonArray()) { Variables = new Dictionary<string, JsonNode?> { ["x"] = value } });

    private static IEnumerable<(string Place, string Document, string Text)> Places(string value, string expected)
    {
        (string Place, string Open, string Close)[] places =
        [
            ("content", """[{"role": "user", "content": """, "}]"),
            ("part", """[{"role": "user", "content": [{"type": "text", "text": """, "}]}]"),
            ("arguments", """[{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": """, "}}]}]"),
        ];
        return places.Select(place => (place.Place, place.Open + value + place.Close, place.Open + expected + place.Close));
    }
}
