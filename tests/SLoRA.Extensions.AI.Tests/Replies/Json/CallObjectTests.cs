using SLoRA.Extensions.AI.Replies;
using SLoRA.Extensions.AI.Replies.Json;

namespace SLoRA.Extensions.AI.Tests.Replies.Json;

public sealed class CallObjectTests
{
    private static readonly DeclaredTools Declared = new([new ToolDeclaration("f")]);

    [TestCase("{\"name\":\"f\",\"arguments\":{\"a\":19.90}}", ExpectedResult = "{\"a\":19.90}")]
    [TestCase("{\"name\":\"f\",\"parameters\":{\"a\":1}}", ExpectedResult = "{\"a\":1}")]
    [TestCase("{\"name\":\"f\",\"parameters\":{\"a\":1},\"arguments\":{\"a\":2}}", ExpectedResult = "{\"a\":2}")]
    [TestCase("{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}", ExpectedResult = "{\"a\":1}")]
    [TestCase("{\"name\":\"f\",\"arguments\":null}", ExpectedResult = "{}")]
    [TestCase("{\"name\":\"f\"}", ExpectedResult = "{}")]
    [TestCase("{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\"}", ExpectedResult = null)]
    [TestCase("{\"name\":\"f\",\"arguments\":\"[1]\"}", ExpectedResult = null)]
    [TestCase("{\"name\":\"f\",\"arguments\":7}", ExpectedResult = null)]
    [TestCase("{\"name\":\"\",\"arguments\":{}}", ExpectedResult = null)]
    [TestCase("{\"arguments\":{}}", ExpectedResult = null)]
    public string? Arguments_are_an_object_or_what_stands_for_one(string json) => CallObject.ReadMarked(json)?.Arguments;

    [Test]
    public void Of_a_key_that_is_there_twice_the_last_value_counts_at_every_depth()
    {
        const string Arguments = "{\"a\":1,\"b\":{\"c\":1.50,\"c\":\"é\"},\"a\":[{\"d\":1,\"d\":2}]}";
        ToolCall? call = CallObject.ReadMarked($"{{\"name\":\"x\",\"name\":\"f\",\"arguments\":{Arguments}}}");
        Assert.That(call, Is.EqualTo(new ToolCall("f", "{\"a\":[{\"d\":2}],\"b\":{\"c\":\"é\"}}")));
    }

    [TestCase("{\"name\":\"f\",\"arguments\":{}}", ExpectedResult = true)]
    [TestCase("{\"name\":\"f\"}", ExpectedResult = false)]
    [TestCase("{\"name\":\"g\",\"arguments\":{}}", ExpectedResult = false)]
    public bool Without_a_marker_a_call_has_a_declared_name_and_arguments(string json) =>
        CallObject.ReadUnmarked(json, Declared) is not null;

    [Test]
    public void The_id_that_a_model_wrote_is_kept() =>
        Assert.That(CallObject.ReadMarked("{\"name\":\"f\",\"id\":\"abc\"}")?.Id, Is.EqualTo("abc"));
}
