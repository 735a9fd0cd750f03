using System.Text.Json;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.Extensions.AI.Tests.Chat;

public sealed class ChatToolsTests
{
    private static readonly AIFunction Age =
        AIFunctionFactory.Create((string person) => person == "Elsa" ? 21 : 18, "get_age", "The age of a person.");

    private const string TwoCalls = "Let me see.\n"
        + "<tool_call>\n{\"name\": \"get_age\", \"arguments\": {\"person\": \"Elsa\"}}\n</tool_call>\n"
        + "<tool_call>\n{\"name\": \"get_age\", \"arguments\": {\"person\": \"Anna\"}}\n</tool_call>";

    [Test]
    public async Task Tools_stand_in_the_prompt_and_calls_come_back_as_contents()
    {
        ScriptedEngine engine = DemoModel.Scripted(TwoCalls);
        ChatResponse response = await engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools)
            .GetResponseAsync("How old?", new ChatOptions { Tools = [Age] });
        JsonElement tool = JsonDocument.Parse(engine.Prompts[0].Split('\n')[0]).RootElement;
        Assert.That(tool.GetProperty("type").GetString(), Is.EqualTo("function"));
        JsonElement function = tool.GetProperty("function");
        Assert.That(function.GetProperty("name").GetString(), Is.EqualTo("get_age"));
        Assert.That(function.GetProperty("description").GetString(), Is.EqualTo("The age of a person."));
        Assert.That(function.GetProperty("parameters").GetProperty("properties").GetProperty("person").GetProperty("type").GetString(),
            Is.EqualTo("string"));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.ToolCalls));
        Assert.That(response.Text, Is.EqualTo("Let me see."));
        Assert.That(Calls(response), Is.EqualTo(new[] { "get_age(Elsa)", "get_age(Anna)" }));
    }

    [Test]
    public async Task With_one_call_allowed_the_answer_ends_behind_the_first()
    {
        ScriptedEngine engine = DemoModel.Scripted(TwoCalls);
        ChatResponse response = await engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools)
            .GetResponseAsync("How old?", new ChatOptions { Tools = [Age], AllowMultipleToolCalls = false });
        Assert.That(Calls(response), Is.EqualTo(new[] { "get_age(Elsa)" }));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.ToolCalls));
        Assert.That(engine.Open, Is.Zero);
        Assert.That(response.Usage!.OutputTokenCount, Is.LessThan(DemoModel.Tokenizer.Encode(TwoCalls).Length));
    }

    [Test]
    public async Task With_the_mode_none_tools_are_not_told_and_calls_are_text()
    {
        ScriptedEngine engine = DemoModel.Scripted(TwoCalls);
        ChatResponse response = await engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools)
            .GetResponseAsync("How old?", new ChatOptions { Tools = [Age], ToolMode = ChatToolMode.None });
        Assert.That(engine.Prompts[0], Does.Not.Contain("get_age"));
        Assert.That(response.Text, Is.EqualTo(TwoCalls));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
    }

    [Test]
    public async Task A_broken_call_is_text()
    {
        const string Broken = "<tool_call>\n{\"name\": \"get_age\", \"arguments\": {oops}}\n</tool_call>";
        ChatResponse response = await DemoModel.Scripted(Broken).AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools)
            .GetResponseAsync("How old?", new ChatOptions { Tools = [Age] });
        Assert.That(response.Text, Is.EqualTo(Broken));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
    }

    [Test]
    public async Task Calls_and_results_go_back_through_the_template()
    {
        ScriptedEngine engine = DemoModel.Scripted("Three years.");
        await engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools).GetResponseAsync(
        [
            new(ChatRole.User, "How old?"),
            new(ChatRole.Assistant,
            [
                new TextReasoningContent("I ask."),
                new TextContent("Let me see."),
                new FunctionCallContent("1", "get_age", new Dictionary<string, object?> { ["person"] = "Zoë" }),
            ]),
            new(ChatRole.Tool, [new FunctionResultContent("1", 21), new FunctionResultContent("2", new { age = 18 })]),
        ]);
        Assert.That(engine.Prompts[0], Is.EqualTo(
            "<|im_start|>user\nHow old?<|im_end|>\n"
            + "<|im_start|>assistant\n<think>\nI ask.\n</think>\n\nLet me see.\n"
            + "<tool_call>\n{\"name\": \"get_age\", \"arguments\": {\"person\": \"Zoë\"}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>tool\n21<|im_end|>\n<|im_start|>tool\n{\"age\":18}<|im_end|>\n<|im_start|>assistant\n"));
    }

    /// <summary>As a reducer or an agent leaves it that keeps a whole turn in one message.</summary>
    [Test]
    public async Task A_result_beside_its_call_stands_behind_it()
    {
        Assert.That(
            await PromptAsync(
                new(ChatRole.User, "How old?"),
                new(ChatRole.Assistant,
                [
                    new TextContent("Let me see."),
                    new FunctionCallContent("1", "get_age"),
                    new FunctionResultContent("1", 21),
                    new TextContent("She is 21."),
                ]),
                new(ChatRole.User, "Thanks.")),
            Does.Contain(
                "<|im_start|>assistant\nLet me see.\n<tool_call>\n{\"name\": \"get_age\", \"arguments\": {}}\n</tool_call><|im_end|>\n"
                + "<|im_start|>tool\n21<|im_end|>\n<|im_start|>assistant\nShe is 21.<|im_end|>\n<|im_start|>user\nThanks."));
    }

    public static IEnumerable<TestCaseData> Unreadable()
    {
        object[] cycle = [null!];
        cycle[0] = cycle;
        var image = new DataContent(new byte[] { 1 }, "image/png");
        yield return Case("A_call_of_the_users", new(ChatRole.User, [new FunctionCallContent("1", "get_age")]));
        yield return Case("A_result_without_end", new(ChatRole.Tool, [new FunctionResultContent("1", cycle)]));
        yield return Case("A_result_that_is_code", new(ChatRole.Tool, [new FunctionResultContent("1", new Action(() => { }))]));
        yield return Case("A_result_that_is_an_image", new(ChatRole.Tool, [new FunctionResultContent("1", image)]));
        yield return Case("A_result_with_an_image",
            new(ChatRole.Tool, [new FunctionResultContent("1", new AIContent[] { new TextContent("Here:"), image })]));
        yield return Case("Arguments_that_are_no_JSON", new(ChatRole.Assistant,
            [new FunctionCallContent("1", "get_age", new Dictionary<string, object?> { ["age"] = double.NaN })]));
        yield return Case("Nobodys", new(default, "Hi"));

        static TestCaseData Case(string name, ChatMessage message) => new TestCaseData(message).SetName($"{name}_is_refused");
    }

    [TestCaseSource(nameof(Unreadable))]
    public async Task What_cannot_be_read_is_refused(ChatMessage message)
    {
        InvalidRequestException? error = await Assert.ThrowsAsync<InvalidRequestException>(() => PromptAsync(message));
        Assert.That(error!.Parameter, Is.EqualTo("Messages"));
    }

    [Test]
    public async Task Functions_are_invoked_in_parallel_and_the_answer_follows()
    {
        var engine = new ScriptedEngine(
            DemoModel.Tokenizer, prompt => prompt.Contains("<|im_start|>tool", StringComparison.Ordinal) ? "Three years." : TwoCalls);
        using IChatClient client =
            engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools).AsBuilder().UseFunctionInvocation().Build();
        ChatResponse response = await client.GetResponseAsync("How much older?", new ChatOptions { Tools = [Age] });
        Assert.That(response.Text, Does.EndWith("Three years."));
        Assert.That(engine.Requests, Has.Count.EqualTo(2));
        Assert.That(engine.Prompts[1], Does.Contain("<|im_start|>tool\n21<|im_end|>\n<|im_start|>tool\n18<|im_end|>\n"));
        Assert.That(response.Usage!.OutputTokenCount,
            Is.EqualTo(DemoModel.Tokenizer.Encode(TwoCalls).Length + DemoModel.Tokenizer.Encode("Three years.").Length));
    }

    [Test]
    public async Task A_template_that_knows_no_tools_has_them_told_in_words()
    {
        // The demo model's own template shows neither tools nor calls.
        const string Call = "[{\"name\": \"get_age\", \"arguments\": {\"person\": \"Elsa\"}}]";
        var engine = new ScriptedEngine(
            DemoModel.Tokenizer, prompt => prompt.Contains("Result of get_age: 21", StringComparison.Ordinal) ? "Twenty-one." : Call);
        using IChatClient client = engine.AsChatClient(DemoModel.Tokenizer).AsBuilder().UseFunctionInvocation().Build();
        ChatResponse response = await client.GetResponseAsync(
            [new(ChatRole.System, "Be kind."), new(ChatRole.User, "How old?")], new ChatOptions { Tools = [Age] });
        Assert.That(response.Text, Is.EqualTo("Twenty-one."));
        Assert.That(engine.Prompts[0], Does.StartWith("<|im_start|>system\nYou can call these functions:\n{\"name\":\"get_age\""));
        Assert.That(engine.Prompts[0], Does.Contain("\n\nBe kind.<|im_end|>"));
        Assert.That(engine.Prompts[1], Does.Contain(
            "<|im_start|>assistant\n[{\"name\":\"get_age\",\"arguments\":{\"person\":\"Elsa\"}}]<|im_end|>\n"
            + "<|im_start|>user\nResult of get_age: 21<|im_end|>\n"));
    }

    [Test]
    public async Task A_host_may_say_how_its_model_calls()
    {
        var options = DemoModel.WithTools with { ReplyFormat = new ReplyFormat(ToolCallFormat.Pythonic, ReasoningFormat.None) };
        ChatResponse response = await DemoModel.Scripted("[get_age(person=\"Elsa\")]").AsChatClient(DemoModel.Tokenizer, options)
            .GetResponseAsync("How old?", new ChatOptions { Tools = [Age] });
        Assert.That(Calls(response), Is.EqualTo(new[] { "get_age(Elsa)" }));
    }

    private static async Task<string> PromptAsync(params ChatMessage[] messages)
    {
        ScriptedEngine engine = DemoModel.Scripted("Hello!");
        await engine.AsChatClient(DemoModel.Tokenizer, DemoModel.WithTools).GetResponseAsync(messages);
        return engine.Prompts.Single();
    }

    private static string[] Calls(ChatResponse response) =>
        [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()
            .Select(call => $"{call.Name}({call.Arguments!["person"]})")];
}
