using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Tests.Conformance;

public sealed class FunctionConformanceTests
{
    [Test]
    public async Task FunctionInvocation_AutomaticallyInvokeFunction_Parameterless()
    {
        ConformanceModel model = Asked("GetSecretNumber", "{}", "42", "It is 42.");
        await AssertInvokedAsync(model, AIFunctionFactory.Create(() => 42, "GetSecretNumber"), "42");
    }

    [Test]
    public async Task FunctionInvocation_AutomaticallyInvokeFunction_WithParameters_NonStreaming()
    {
        ConformanceModel model = Asked("SecretComputation", "{\"a\": 42, \"b\": 84}", "3528", "It is 3528.");
        await AssertInvokedAsync(model, AIFunctionFactory.Create((int a, int b) => a * b, "SecretComputation"), "3528");
    }

    [Test]
    public async Task FunctionInvocation_AutomaticallyInvokeFunction_WithParameters_Streaming()
    {
        ConformanceModel model = Asked("SecretComputation", "{\"a\": 42, \"b\": 84}", "3528", "It is 3528.");
        using var client = new FunctionInvokingChatClient(model.Client);
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((int a, int b) => a * b, "SecretComputation")] };
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("Please", options).ToListAsync();
        Assert.That(string.Concat(updates.Select(update => update.Text)), Does.Contain("3528"));
        Assert.That(updates.SelectMany(update => update.Contents).OfType<FunctionResultContent>().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task FunctionInvocation_OptionalParameter()
    {
        ConformanceModel model = Asked("GetSecretNumberById", "{\"id\": \"foo\"}", "42", "It is 42.");
        await AssertInvokedAsync(
            model, AIFunctionFactory.Create((string id = "default") => id is "foo" ? 42 : -1, "GetSecretNumberById"), "42");
    }

    [Test]
    public async Task FunctionInvocation_NestedParameters()
    {
        ConformanceModel model = Asked(
            "GetSecretNumberByPerson", "{\"person\": {\"name\": \"John\", \"age\": 19}}", "61", "It is 61.");
        await AssertInvokedAsync(
            model,
            AIFunctionFactory.Create((PersonRecord person) => person.Name is "John" ? 42 + person.Age : -1, "GetSecretNumberByPerson"),
            "61");
    }

    [Test]
    public async Task FunctionInvocation_ArrayParameter()
    {
        ConformanceModel model = Asked(
            "AddItems", "{\"items\": [\"bacon\", \"lettuce\"], \"shopper\": \"Peter\"}", "Success", "Done.");
        List<string> cart = [];
        AIFunction add = AIFunctionFactory.Create(
            (string[] items, string shopper) =>
            {
                cart.AddRange(items.Append(shopper));
                return "Success";
            },
            "AddItems");
        await AssertInvokedAsync(model, add, "Done.");
        Assert.That(cart, Is.EqualTo(new[] { "bacon", "lettuce", "Peter" }));
    }

    [TestCase(true, TestName = "AvailableTools_SchemasAreAccepted_Strict")]
    [TestCase(false, TestName = "AvailableTools_SchemasAreAccepted_NonStrict")]
    public async Task AvailableTools_SchemasAreAccepted(bool strict)
    {
        int count = 0;
        AIFunctionFactoryOptions Next() => new()
        {
            Name = $"Method{count++}",
            AdditionalProperties = strict ? new Dictionary<string, object?> { ["strict"] = true } : null,
        };
        AITool[] tools =
        [
            AIFunctionFactory.Create((int? i) => i, Next()), AIFunctionFactory.Create((string? s) => s, Next()),
            AIFunctionFactory.Create((int? i = null) => i, Next()), AIFunctionFactory.Create((bool b) => b, Next()),
            AIFunctionFactory.Create((double d) => d, Next()), AIFunctionFactory.Create((decimal d) => d, Next()),
            AIFunctionFactory.Create((char c) => c, Next()), AIFunctionFactory.Create((DateTimeOffset? d) => d, Next()),
            AIFunctionFactory.Create((TimeSpan t) => t, Next()), AIFunctionFactory.Create((DateOnly d) => d, Next()),
            AIFunctionFactory.Create((Uri uri) => uri, Next()), AIFunctionFactory.Create((Guid guid) => guid, Next()),
            AIFunctionFactory.Create((List<int> list) => list, Next()),
            AIFunctionFactory.Create((int[] array, PersonRecord? person) => array, Next()),
            AIFunctionFactory.Create((string a = "x", BindingFlags b = BindingFlags.IgnoreCase, char c = 'y') => a, Next()),
            new SchemaFunction("""{"type":"object","properties":{},"$schema":"http://json-schema.org/draft-07/schema#"}"""),
            new SchemaFunction("""{"properties":{"line":{"type":"number","minimum":1}},"required":["line"],"type":"object"}"""),
            new SchemaFunction("""{"type":"object","properties":{"x":{"type":"object"}},"additionalProperties":{"type":"string"}}"""),
        ];
        ConformanceModel model = new ConformanceModel().Knows("tower", "The Eiffel Tower.");
        using var client = new FunctionInvokingChatClient(model.Client);
        ChatResponse response =
            await client.GetResponseAsync("Which tower?", new ChatOptions { MaxOutputTokens = 100, Tools = [.. tools] });
        Assert.That(response.Text, Is.EqualTo("The Eiffel Tower."));
        string[] told = [.. model.Engine.Prompts[0].Split('\n').TakeWhile(line => line.StartsWith('{'))];
        Assert.That(told.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("function").GetProperty("name").GetString()),
            Is.EqualTo(tools.Select(tool => tool.Name)));
    }

    [Test]
    public async Task FunctionInvocation_SupportsMultipleParallelRequests()
    {
        ConformanceModel model = new ConformanceModel()
            .Knows(ConformanceModel.Result("21"), "Elsa is 3 years older.")
            .Knows("older", ConformanceModel.Call("GetPersonAge", "{\"personName\": \"Elsa\"}") + "\n"
                + ConformanceModel.Call("GetPersonAge", "{\"personName\": \"Anna\"}"));
        using var client = new FunctionInvokingChatClient(model.Client);
        AIFunction age = AIFunctionFactory.Create((string personName) => personName == "Elsa" ? 21 : 18, "GetPersonAge");
        ChatResponse response = await client.GetResponseAsync("How much older is Elsa?", new ChatOptions { Tools = [age] });
        Assert.That(response.Text, Does.Contain("3"));
        Assert.That(model.Calls, Is.EqualTo(2), "both functions ran behind one answer");
    }

    // A model cannot be forced before answers are kept to a form: what would not be kept is refused.
    [Test]
    public Task FunctionInvocation_RequireAny() => AssertRefusedAsync(ChatToolMode.RequireAny);

    [Test]
    public Task FunctionInvocation_RequireSpecific() => AssertRefusedAsync(ChatToolMode.RequireSpecific("ShieldsUp"));

    private static async Task AssertRefusedAsync(ChatToolMode mode)
    {
        using var client = new FunctionInvokingChatClient(new ConformanceModel().Client);
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "ShieldsUp")], ToolMode = mode };
        InvalidRequestException? error = await Assert.ThrowsAsync<InvalidRequestException>(() => client.GetResponseAsync("Hi", options));
        Assert.That(error!.Parameter, Is.EqualTo("ToolMode"));
    }

    private static ConformanceModel Asked(string function, string arguments, string result, string answer) => new ConformanceModel()
        .Knows(ConformanceModel.Result(result), answer)
        .Knows("Please", ConformanceModel.Call(function, arguments));

    private static async Task AssertInvokedAsync(ConformanceModel model, AIFunction function, string expected)
    {
        using var spans = new RecordedSpans();
        using var client = new FunctionInvokingChatClient(new OpenTelemetryChatClient(model.Client, sourceName: spans.Source));
        ChatResponse response = await client.GetResponseAsync("Please", new ChatOptions { Tools = [function] });
        Assert.That(response.Text, Does.Contain(expected));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));

        // The sum of both answers, which the span of each tells as well.
        Activity[] chats = [.. spans.Ended.Where(span => span.DisplayName.StartsWith("chat", StringComparison.Ordinal))];
        Assert.That(chats, Has.Length.EqualTo(2));
        Assert.That(chats.Sum(span => (int)span.GetTagItem("gen_ai.usage.input_tokens")!), Is.EqualTo(response.Usage!.InputTokenCount));
        Assert.That(chats.Sum(span => (int)span.GetTagItem("gen_ai.usage.output_tokens")!), Is.EqualTo(response.Usage.OutputTokenCount));
    }

    public sealed record PersonRecord(string Name, int Age = 42);

    private sealed class SchemaFunction(string schema) : AIFunction
    {
        public override string Name => $"Custom{schema.Length}";

        public override JsonElement JsonSchema { get; } = JsonElement.Parse(schema);

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
