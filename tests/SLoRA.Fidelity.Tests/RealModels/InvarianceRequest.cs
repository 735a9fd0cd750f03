namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>One of many random requests, and when it arrives and leaves in a mix.</summary>
/// <param name="Prompt">Its prompt.</param>
/// <param name="Adapters">Its adapters: none, one or two.</param>
/// <param name="Tokens">Tokens it asks for.</param>
/// <param name="Sampling">How they are chosen.</param>
/// <param name="SeesPrompt">Whether the logits of its prompt are looked at too.</param>
/// <param name="Leaves">Steps after its arrival at which it is cancelled in a mix; null when it stays.</param>
internal sealed record InvarianceRequest(
    int[] Prompt, IReadOnlyList<WeightedAdapter> Adapters, int Tokens, SamplingOptions Sampling, bool SeesPrompt, int? Leaves)
{
    /// <summary>Requests over all adapters and the base, from a seed. A tenth of the prompts repeats an earlier one.</summary>
    public static IReadOnlyList<InvarianceRequest> Many(int count, IReadOnlyList<string> adapters, IReadOnlyList<int> text, int seed)
    {
        var random = new Random(seed);
        var requests = new List<InvarianceRequest>();
        for (int i = 0; i < count; i++)
        {
            int length = random.Next(10) == 0 ? random.Next(64, 129) : random.Next(1, 41);
            int start = random.Next(text.Count - length);
            int[] prompt = i > 0 && random.Next(10) == 0 ? requests[random.Next(i)].Prompt : [.. text.Skip(start).Take(length)];
            requests.Add(new InvarianceRequest(
                prompt,
                Choose(random, i, adapters),
                random.Next(1, 13),
                i % 3 == 0 ? new SamplingOptions { Temperature = 0.9f, TopP = 0.95f, Seed = i } : SamplingOptions.Greedy,
                i % 4 == 0,
                random.Next(8) == 0 ? random.Next(0, 12) : null));
        }

        return requests;
    }

    public GenerationRequest ToRequest(LogitsHash hash) =>
        RealModelEngine.Request(Prompt, Adapters, Tokens, hash) with { Sampling = Sampling };

    /// <summary>The base and every adapter in turn, and now and then two adapters with weights.</summary>
    private static IReadOnlyList<WeightedAdapter> Choose(Random random, int number, IReadOnlyList<string> adapters)
    {
        int choice = number % (adapters.Count + 2);
        if (choice == adapters.Count)
        {
            return [];
        }

        if (choice < adapters.Count)
        {
            return [new WeightedAdapter(adapters[choice], 1)];
        }

        int first = random.Next(adapters.Count);
        int second = (first + random.Next(1, adapters.Count)) % adapters.Count;
        return [new WeightedAdapter(adapters[first], 0.7f), new WeightedAdapter(adapters[second], 0.5f)];
    }
}
