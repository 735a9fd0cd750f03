using System.Text.Json;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Replies;

public sealed class ParameterTypeTests
{
    private const string Schema = """
        {
          "type": "object",
          "$defs": {
            "place": { "type": "object" },
            "loop": { "$ref": "#/$defs/loop" },
            "a/b": { "type": "boolean" }
          },
          "properties": {
            "text": { "type": "string" },
            "count": { "type": "integer" },
            "price": { "type": "number" },
            "on": { "type": "boolean" },
            "list": { "type": "array" },
            "map": { "type": "object" },
            "maybe": { "type": ["string", "null"] },
            "days": { "type": ["integer", "null"] },
            "any": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            "place": { "$ref": "#/$defs/place" },
            "loop": { "$ref": "#/$defs/loop" },
            "slash": { "$ref": "#/$defs/a~1b" },
            "nowhere": { "$ref": "#/$defs/none" },
            "untyped": { "description": "?" },
            "odd": 7
          }
        }
        """;

    [TestCase("text", "12", "\"12\"")]
    [TestCase("text", " a ", "\" a \"")]
    [TestCase("text", "null", "\"null\"")]
    [TestCase("count", "12", "12")]
    [TestCase("count", " 12\n", "12")]
    [TestCase("count", "123456789012345678901234567890", "123456789012345678901234567890")]
    [TestCase("count", "1.5", "\"1.5\"")]
    [TestCase("count", "007", "\"007\"")]
    [TestCase("count", "a few", "\"a few\"")]
    [TestCase("count", "1, 2", "\"1, 2\"")]
    [TestCase("count", "1],[2", "\"1],[2\"")]
    [TestCase("price", "19.90", "19.90")]
    [TestCase("price", "7", "7")]
    [TestCase("on", "True", "true")]
    [TestCase("on", "false", "false")]
    [TestCase("on", "yes", "\"yes\"")]
    [TestCase("list", "[1, \"a\"]", "[1, \"a\"]")]
    [TestCase("list", "{}", "\"{}\"")]
    [TestCase("map", "{\"a\": 1, \"a\": 2}", "{\"a\":2}")]
    [TestCase("map", "{\"a\": }", "\"{\\\"a\\\": }\"")]
    [TestCase("maybe", "null", "null")]
    [TestCase("maybe", "12", "\"12\"")]
    [TestCase("days", "None", "null")]
    [TestCase("days", "3", "3")]
    [TestCase("any", "3", "3")]
    [TestCase("any", "null", "null")]
    [TestCase("place", "{\"x\":1}", "{\"x\":1}")]
    [TestCase("loop", "1", "\"1\"")]
    [TestCase("slash", "true", "true")]
    [TestCase("nowhere", "1", "\"1\"")]
    [TestCase("untyped", "1", "\"1\"")]
    [TestCase("odd", "1", "\"1\"")]
    [TestCase("undeclared", "1", "\"1\"")]
    public void A_text_becomes_what_the_schema_says(string parameter, string text, string json)
    {
        using JsonDocument schema = JsonDocument.Parse(Schema);
        string read = ParameterType.Of(schema.RootElement, parameter).Read(text)?.ToJsonString() ?? "null";
        Assert.That(JsonEquality.AreEqual(JsonDocument.Parse(read).RootElement, JsonDocument.Parse(json).RootElement),
            $"{read} for {json}");
    }

    [Test]
    public void Without_a_schema_everything_is_text() =>
        Assert.That(ParameterType.Of(default, "a").Read("1")?.ToJsonString(), Is.EqualTo("\"1\""));

    [Test]
    public void References_to_themselves_are_followed_once_however_many_there_are()
    {
        string again = string.Join(',', Enumerable.Repeat("""{ "$ref": "#/$defs/tree" }""", 200));
        string schema = $$"""
            {
              "$defs": { "tree": { "anyOf": [{ "type": "integer" }, {{again}}] } },
              "properties": { "tree": { "$ref": "#/$defs/tree" } }
            }
            """;
        ParameterType type = ParameterType.Of(JsonDocument.Parse(schema).RootElement, "tree");
        Assert.That(type.Kinds, Is.EqualTo(new[] { "integer" }));
    }
}
