using SLoRA;
using SLoRA.Text;

namespace ThousandTenants;

/// <summary>
/// Callers that each ask one of the tenants something, wait for the answer, and ask again. Popular tenants are asked more often, by Zipf's
/// law.
/// </summary>
internal sealed class Traffic
{
    private static readonly string[] Questions =
    [
        "When are you open?", "Where can I find you?", "Can I bring my dog?", "How can I pay?", "Do you have parking?",
        "What do you recommend?",
    ];

    private readonly LoraServingEngine _engine;
    private readonly Settings _settings;
    private readonly int[][] _prompts;
    private readonly double[] _cumulative;
    private readonly bool[] _asked;
    private long _answers;
    private long _tokens;

    /// <summary>Prepares the questions.</summary>
    public Traffic(LoraServingEngine engine, ModelTokenizer tokenizer, Settings settings)
    {
        _engine = engine;
        _settings = settings;
        _prompts = [.. Questions.Select(question => tokenizer.EncodeChat([new TemplateMessage("user", question)]))];
        _asked = new bool[settings.Tenants];
        _cumulative = new double[settings.Tenants];
        double sum = 0;
        for (int k = 0; k < settings.Tenants; k++)
        {
            _cumulative[k] = sum += Math.Pow(k + 1, -settings.Zipf);
        }
    }

    /// <summary>Answers that were given to their end.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    /// <summary>Tokens of all answers.</summary>
    public long Tokens => Interlocked.Read(ref _tokens);

    /// <summary>Tenants that have been asked something.</summary>
    public int TenantsAsked => _asked.Count(asked => asked);

    /// <summary>Asks until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        Task.WhenAll(Enumerable.Range(0, _settings.Clients)
            .Select(client => Task.Run(() => AskAsync(new Random(client), cancellation), CancellationToken.None)));

    private async Task AskAsync(Random random, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                int tenant = Draw(random);
                Volatile.Write(ref _asked[tenant], true);
                var request = new GenerationRequest
                {
                    Prompt = _prompts[random.Next(_prompts.Length)],
                    Adapter = TenantAdapters.NameOf(tenant),
                    MaxTokens = _settings.MaxTokens,
                };
                await foreach (GeneratedToken _ in _engine.GenerateAsync(request, cancellation))
                {
                    Interlocked.Increment(ref _tokens);
                }

                Interlocked.Increment(ref _answers);
            }
        }
        catch (OperationCanceledException)
        {
            // The time is over, or somebody pressed Ctrl-C.
        }
    }

    private int Draw(Random random)
    {
        int found = Array.BinarySearch(_cumulative, random.NextDouble() * _cumulative[^1]);
        return Math.Min(found < 0 ? ~found : found, _cumulative.Length - 1);
    }
}
