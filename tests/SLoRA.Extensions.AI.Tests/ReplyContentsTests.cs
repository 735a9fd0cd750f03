using System.Text.Json;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests;

public sealed class ReplyContentsTests
{
    [Test]
    public void Text_is_text_content() => Assert.That((ReplyContents.ToContent(new TextPart("a")) as TextContent)?.Text, Is.EqualTo("a"));

    [Test]
    public void Reasoning_is_no_text()
    {
        AIContent content = ReplyContents.ToContent(new ReasoningPart("a"));
        Assert.That((content as TextReasoningContent)?.Text, Is.EqualTo("a"));
        Assert.That(new ChatMessage(ChatRole.Assistant, [content]).Text, Is.Empty);
    }

    [Test]
    public void A_call_is_a_function_call_with_values_of_JSON()
    {
        const string Arguments = "{\"a\":9007199254740993,\"b\":[\"é\"],\"c\":null}";
        var call = (FunctionCallContent)ReplyContents.ToContent(new ToolCallPart(0, "id", "f", Arguments));
        Assert.That((call.CallId, call.Name, call.Exception), Is.EqualTo(("id", "f", (Exception?)null)));
        Assert.That(call.Arguments, Has.Count.EqualTo(3));
        Assert.That(((JsonElement)call.Arguments!["a"]!).GetInt64(), Is.EqualTo(9007199254740993));
        Assert.That(((JsonElement)call.Arguments["b"]!)[0].GetString(), Is.EqualTo("é"));
        Assert.That(call.Arguments["c"], Is.Null);
    }

    [Test]
    public void Arguments_that_cannot_be_read_are_the_contents_exception()
    {
        var call = (FunctionCallContent)ReplyContents.ToContent(new ToolCallPart(0, "id", "f", "{oops"));
        Assert.That(call.Arguments, Is.Null);
        Assert.That(call.Exception, Is.Not.Null);
    }

    [Test]
    public async Task A_function_is_declared_with_its_schema_and_called_with_what_was_read()
    {
        AIFunction add = AIFunctionFactory.Create((int a, int b) => a + b, "add");
        IReadOnlyList<ToolDeclaration> declared = ReplyContents.ToDeclarations([add, new HostedWebSearchTool()]);
        Assert.That(declared.Select(tool => tool.Name), Is.EqualTo(new[] { "add" }));

        // Values without quotes: their types come from the schema.
        ReplyParser parser =
            ReplyParser.Create(new ReplyFormat(ToolCallFormat.Glm4, ReasoningFormat.None), new ReplyParserOptions { Tools = declared });
        const string Answer =
            "<tool_call>add<arg_key>a</arg_key><arg_value>3</arg_value><arg_key>b</arg_key><arg_value>4</arg_value></tool_call>";
        ReplyPart part = parser.Push(Answer).Single();
        var call = (FunctionCallContent)ReplyContents.ToContent(part);
        object? sum = await add.InvokeAsync(new AIFunctionArguments(call.Arguments));
        Assert.That(sum?.ToString(), Is.EqualTo("7"));
    }

    [Test]
    public void Without_tools_nothing_is_declared() => Assert.That(ReplyContents.ToDeclarations(null), Is.Empty);
}
