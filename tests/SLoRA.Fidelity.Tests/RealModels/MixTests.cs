using System.Collections.Concurrent;
using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Requests that arrive at given steps of one engine: each gets the tokens that it gets alone.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class MixTests
{
    private static readonly ConcurrentDictionary<(string, string), Lazy<Task<IReadOnlyDictionary<string, int[]>>>> Runs = new();

    public static IEnumerable<TestCaseData> Cases() =>
        RealModelCases.Of("mix*.json", file => file.Requests.Select(request => request.Name));

    [TestCaseSource(nameof(Cases))]
    public async Task Tokens_are_those_of_the_request_alone(string path, string file, string name)
    {
        IReadOnlyDictionary<string, int[]> answers =
            await Runs.GetOrAdd(
                (path, file), key => new Lazy<Task<IReadOnlyDictionary<string, int[]>>>(() => Run(new RealModelFolder(path), file))).Value;
        Assert.That(answers[name], Is.EqualTo(new RealModelFolder(path).Read(file).Case(name).GreedyIds));
    }

    private static async Task<IReadOnlyDictionary<string, int[]>> Run(RealModelFolder folder, string file)
    {
        ReferenceFile reference = folder.Read(file);
        string? model = folder.Model(reference.BaseWeights);
        if (model is null)
        {
            Assert.Ignore($"{folder.Path} has no model with {reference.BaseWeights} weights");
        }

        LoraServingEngineBuilder builder =
            RealModelEngine.Builder(model!).ConfigureScheduling(scheduling => scheduling.StreamBuffer = 1024);
        foreach (string adapter in folder.Adapters())
        {
            builder.AddAdapter(adapter, folder.Adapter(adapter));
        }

        using var engine = new SteppedEngine(builder);
        var answers = new Dictionary<string, SteppedAnswer>();
        foreach (ReferenceCase request in reference.Requests.OrderBy(request => request.ArrivalStep))
        {
            while (engine.Steps < request.ArrivalStep)
            {
                engine.Step();
            }

            answers.Add(
                request.Name, engine.Submit(RealModelEngine.Request(request.PromptIds, request.Adapters, request.GreedyIds.Length)));
        }

        engine.Finish(answers.Values);
        var tokens = new Dictionary<string, int[]>();
        foreach ((string name, SteppedAnswer answer) in answers)
        {
            tokens.Add(name, await answer.Tokens);
        }

        TestContext.Out.WriteLine($"{answers.Count} requests in {engine.Steps} steps");
        return tokens;
    }
}
