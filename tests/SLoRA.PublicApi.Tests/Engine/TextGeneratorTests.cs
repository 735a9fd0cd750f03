using System.Text;
using SLoRA.Text;

namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
internal sealed class TextGeneratorTests
{
    private static readonly TemplateMessage[] Question = [new("user", Demo.Hours)];

    [Test]
    public async Task A_conversation_is_answered_as_by_hand()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        var generator = new TextGenerator(engine, Demo.Tokenizer);
        string byHand = await engine.AskAsync(Demo.Request("bakery"));
        TextAnswer answer = await generator.CompleteAsync(new TextRequest { Messages = Question, Adapter = "bakery" });
        var pieces = new StringBuilder();
        await foreach (TextUpdate update in generator.GenerateAsync(new TextRequest { Messages = Question, Adapter = "bakery" }))
        {
            pieces.Append(update);
        }

        Assert.Multiple(() =>
        {
            Assert.That(answer.Text, Is.EqualTo(byHand));
            Assert.That(pieces.ToString(), Is.EqualTo(byHand));
            Assert.That(answer.Continuations.Single().End.Reason, Is.EqualTo(FinishReason.StopToken));
            Assert.That(answer.Usage.GeneratedTokens, Is.EqualTo(answer.Continuations.Single().Tokens.Count));
        });
    }

    [Test]
    public async Task Stop_strings_are_given_once_and_nothing_of_them_is_shown()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        var generator = new TextGenerator(engine, Demo.Tokenizer);
        string whole = (await generator.CompleteAsync(new TextRequest { Messages = Question, Adapter = "bakery" })).Text;
        string stop = whole[12..17];
        TextAnswer answer = await generator.CompleteAsync(
            new TextRequest { Messages = Question, Adapter = "bakery", StopStrings = [stop], Continuations = 2 });
        Assert.Multiple(() =>
        {
            Assert.That(
                answer.Continuations.Select(each => each.Text), Is.All.EqualTo(whole[..whole.IndexOf(stop, StringComparison.Ordinal)]));
            Assert.That(answer.Continuations.Select(each => each.End.StopString), Is.All.EqualTo(stop));
        });
    }

    [Test]
    public async Task The_bytes_of_an_answers_tokens_are_the_bytes_of_its_text()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");
        TextAnswer answer = await new TextGenerator(engine, Demo.Tokenizer).CompleteAsync(
            new TextRequest { Messages = Question, Adapter = "bakery", LogProbabilities = new LogProbabilityOptions { TopCount = 2 } });
        byte[] bytes = [.. answer.Continuations.Single().Tokens.SelectMany(token => Demo.Tokenizer.GetTokenBytes(token.Id))];
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetString(bytes), Is.EqualTo(answer.Text));
            Assert.That(answer.Continuations.Single().Tokens, Is.All.Property(nameof(GeneratedToken.LogProbability)).LessThanOrEqualTo(0));
        });
    }

    [Test]
    public async Task A_request_without_a_prompt_or_with_two_is_refused_by_name()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        var generator = new TextGenerator(engine, Demo.Tokenizer);
        Assert.Multiple(() =>
        {
            Refuses(new TextRequest(), nameof(TextRequest.Messages));
            Refuses(new TextRequest { Messages = Question, Prompt = "?" }, nameof(TextRequest.Prompt));
            Refuses(new TextRequest { Prompt = "?", PromptTokens = new int[] { 1 } }, nameof(TextRequest.Prompt));
            Refuses(new TextRequest { Messages = Question, PromptTokens = new int[] { 1 } }, nameof(TextRequest.Prompt));
            Refuses(new TextRequest { Prompt = "?", StopStrings = [""] }, nameof(TextRequest.StopStrings));
            Refuses(new TextRequest { Prompt = "?", StopStrings = null! }, nameof(TextRequest.StopStrings));
            Refuses(
                new TextRequest { Prompt = "?", StopStrings = ["."], StopCondition = Demo.Tokenizer.CreateStopCondition(["!"]) },
                nameof(TextRequest.StopStrings));
        });

        void Refuses(TextRequest request, string parameter) => Assert.That(
            () => generator.GenerateAsync(request),
            Throws.TypeOf<InvalidRequestException>().With.Property(nameof(InvalidRequestException.Parameter)).EqualTo(parameter));
    }

    [Test]
    public async Task A_plain_prompt_goes_to_the_model_as_it_is()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        var asked = new TextRequest { Prompt = "We are open", MaxTokens = 8, IgnoreEndOfText = true };
        TextAnswer answer = await new TextGenerator(engine, Demo.Tokenizer).CompleteAsync(asked);
        GenerationResult byHand = await engine.CompleteAsync(
            new GenerationRequest(asked) { Prompt = Demo.Tokenizer.Encode("We are open") });
        TextAnswer byIds = await new TextGenerator(engine, Demo.Tokenizer).CompleteAsync(
            asked with { Prompt = null, PromptTokens = Demo.Tokenizer.Encode("We are open") });
        Assert.That(answer.Continuations[0].Tokens, Is.EqualTo(byHand.Continuations[0].Tokens));
        Assert.That(byIds.Continuations[0].Tokens, Is.EqualTo(byHand.Continuations[0].Tokens));
    }
}
