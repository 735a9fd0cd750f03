using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Tests.Conformance;

// Reducers are marked as an experiment of their package.
#pragma warning disable MEAI001

public sealed class ReducerConformanceTests
{
    private const string Summary = "Alice loves hiking.";
    private readonly List<ChatMessage> _reduced = [];

    [Test]
    public async Task SummarizingChatReducer_PreservesConversationContext()
    {
        ChatResponse response = await Client(Model()).GetResponseAsync(Conversation());
        Assert.That(_reduced[0].Text, Does.Contain("Alice"));
        Assert.That(_reduced, Has.Count.LessThan(Conversation().Count));
        Assert.That(response.Text, Is.EqualTo("You are Alice, and you hike."));
    }

    [Test]
    public async Task SummarizingChatReducer_PreservesSystemMessage()
    {
        List<ChatMessage> messages = [new(ChatRole.System, "You are a pirate."), .. Conversation()];
        await Client(Model()).GetResponseAsync(messages);
        Assert.That((_reduced[0].Role, _reduced[0].Text), Is.EqualTo((ChatRole.System, "You are a pirate.")));
        Assert.That(_reduced[1].Text, Does.Contain("Alice"));
    }

    [Test]
    public async Task SummarizingChatReducer_WithFunctionCalls()
    {
        ConformanceModel model = new ConformanceModel()
            .Knows(ConformanceModel.Result("Sunny"), "Sunny in Miami.")
            .Knows("get_weather", ConformanceModel.Call("get_weather", "{\"city\": \"Miami\"}"))
            .Knows("", Summary);
        using IChatClient client = Client(model).AsBuilder().UseFunctionInvocation().Build();
        AIFunction weather = AIFunctionFactory.Create((string city) => city == "Miami" ? "Sunny" : "Rainy", "get_weather");
        ChatResponse response = await client.GetResponseAsync(Conversation(), new ChatOptions { Tools = [weather] });
        Assert.That(response.Text, Does.Contain("Sunny in Miami."));
    }

    [Test]
    public async Task SummarizingChatReducer_Streaming()
    {
        ChatResponse response = await Client(Model()).GetStreamingResponseAsync(Conversation()).ToChatResponseAsync();
        Assert.That(_reduced[0].Text, Does.Contain("Alice"));
        Assert.That(response.Text, Is.EqualTo("You are Alice, and you hike."));
    }

    [Test]
    public async Task SummarizingChatReducer_CustomPrompt()
    {
        ConformanceModel model = Model();
        await Client(model, "Mind the numbers.").GetResponseAsync(Conversation());
        Assert.That(model.Engine.Prompts[0], Does.Contain("Mind the numbers."));
    }

    private static ConformanceModel Model() => new ConformanceModel()
        .Knows("<|im_start|>user\nWhat is my name?<|im_end|>", "You are Alice, and you hike.")
        .Knows("", Summary);

    private static List<ChatMessage> Conversation() =>
    [
        new(ChatRole.User, "My name is Alice."), new(ChatRole.Assistant, "Nice to meet you."),
        new(ChatRole.User, "I love hiking."), new(ChatRole.Assistant, "Where do you hike?"),
        new(ChatRole.User, "In the Sierra Nevada."), new(ChatRole.Assistant, "How long?"), new(ChatRole.User, "What is my name?"),
    ];

    private IChatClient Client(ConformanceModel model, string? prompt = null)
    {
        var reducer = new SummarizingChatReducer(model.Client, targetCount: 2, threshold: 0);
        if (prompt is not null)
        {
            reducer.SummarizationPrompt = prompt;
        }

        return model.Client.AsBuilder()
            .UseChatReducer(reducer)
            .Use(async (messages, options, next, cancellation) =>
            {
                _reduced.Clear();
                _reduced.AddRange(messages);
                await next(_reduced, options, cancellation);
            })
            .Build();
    }
}
