using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Text;

namespace SLoRA.Fidelity.Tests;

/// <summary>
/// From text to text: the conversations of the demo model, and of every fixture whose cases are conversations. The rendered prompt, its
/// ids, the greedy ids, the text and how it ended are those of Hugging Face.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class FrontdeskFidelityTests
{
    /// <summary>
    /// Setting, and the backend that has it: fp32 keys and values and adapters as stored, and what a user gets without asking. No tap looks
    /// at the logits, so the Gpu backend chooses the tokens on the device.
    /// </summary>
    private static readonly string[] Backends = GpuAvailabilityTests.AndGpu(
        "Reference", "Cpu", FixtureEngine.CpuDefaults, FixtureEngine.CpuShards(2));

    public static IEnumerable<TestCaseData> TextCases() =>
        from folder in FixtureFolder.All().Prepend(FixtureFolder.Read(Repository.PathOf("samples", "models", "frontdesk")))
            .DistinctBy(folder => Path.GetFullPath(folder.Path))
        from fixture in folder.Cases
        where fixture.IsText && !folder.IsRefused && fixture.RefusedAdapter(folder) is null
        from backend in Backends
        select Data(folder, fixture, backend);

    [TestCaseSource(nameof(TextCases))]
    public async Task Prompt_and_answer_are_equal(string path, string name, string backend)
    {
        FixtureFolder folder = FixtureFolder.Read(path);
        FixtureCase fixture = folder.Cases.Single(candidate => candidate.Name == name);
        ModelTokenizer tokenizer = FixtureTokenizer.Of(folder.Model);
        JsonNode messages = JsonArray.Create(fixture.Messages!.Value)!;
        Assert.That(tokenizer.RenderChatJson(messages), Is.EqualTo(fixture.PromptText), "rendered prompt");
        int[] prompt = tokenizer.EncodeChatJson(messages);
        Assert.That(prompt, Is.EqualTo(fixture.Prompt), "ids of the prompt");

        FixtureEngine engine = await FixtureEngine.Of(folder.Model, backend);
        if (fixture.Adapter is not null)
        {
            await engine.Register(fixture.Adapter, folder.Adapter(fixture.Adapter));
        }

        GenerationStream stream = engine.Engine.GenerateAsync(
            new GenerationRequest { Prompt = prompt, Adapter = fixture.Adapter, MaxTokens = folder.MaxNewTokens });
        TextStream text = tokenizer.CreateStream(prompt);
        var streamed = new System.Text.StringBuilder();
        var tokens = new List<int>();
        await foreach (GeneratedToken token in stream)
        {
            tokens.Add(token.Id);
            streamed.Append(text.Append(token.Id));
        }

        streamed.Append(text.Finish());
        Assert.Multiple(() =>
        {
            Assert.That(tokens, Is.EqualTo(fixture.Greedy), "greedy ids");
            Assert.That(tokenizer.Decode(tokens.ToArray(), skipSpecialTokens: true), Is.EqualTo(fixture.Text), "text");
            Assert.That(streamed.ToString(), Is.EqualTo(fixture.Text), "text, piece by piece");
            Assert.That(stream.FinishReason, Is.EqualTo(Finish(fixture)), "finish");
        });
    }

    [Test]
    public void Every_case_of_the_demo_is_here() =>
        Assert.That(TextCases().Count(test => test.Arguments[0]!.ToString()!.EndsWith("frontdesk", StringComparison.Ordinal)),
            Is.EqualTo(94 * Backends.Length));

    /// <summary>On slow backends one question to the base and to every tenant is for every day; the others are for long runs.</summary>
    private static TestCaseData Data(FixtureFolder folder, FixtureCase fixture, string backend)
    {
        TestCaseData data =
            new TestCaseData(folder.Path, fixture.Name, backend).SetName($"Fidelity({folder.Path}, {fixture.Name}, {backend})");
        bool isSlow = backend is "Reference" or "Gpu";
        return isSlow && !fixture.Name.EndsWith("-hours", StringComparison.Ordinal) ? data.SetCategory("Long") : data;
    }

    private static FinishReason Finish(FixtureCase fixture) => fixture.Finish switch
    {
        "eos" => FinishReason.StopToken,
        "length" => FinishReason.Length,
        _ => throw new JsonException($"Case {fixture.Name} ended by '{fixture.Finish}', which this test does not know."),
    };
}
