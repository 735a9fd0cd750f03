using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Tests.Chat;

/// <summary>An engine whose answers are written down: the script sees a request's prompt as text and says what the model answers.</summary>
internal sealed class ScriptedEngine(ModelTokenizer tokenizer, Func<string, string> script) : ILoraEngine, IAdapterCollection
{
    public List<GenerationRequest> Requests { get; } = [];

    public List<string> Prompts { get; } = [];

    public HashSet<string> Names { get; } = ["bakery", "hotel"];

    /// <summary>Enumerations that have begun and not ended.</summary>
    public int Open { get; private set; }

    /// <summary>The token that ends answers is withheld, so that a request runs until it is cancelled.</summary>
    public bool NeverEnds { get; init; }

    public ModelInfo Model { get; init; } = new()
    {
        Folder = Path.Combine(RepositoryFolder.Root, "samples", "models", "frontdesk", "model"),
        Architecture = "Scripted",
        VocabularySize = tokenizer.VocabularySize,
        HiddenSize = 1,
        LayerCount = 1,
        ContextLength = 4096,
        ParameterCount = 1,
        EndOfTextTokens = [2],
    };

    public string Backend => "Scripted";

    public IAdapterCollection Adapters => this;

    public EngineStatus Status { get => field ?? throw new NotSupportedException(); init; }

    public Task Completion { get; init; } = new TaskCompletionSource().Task;

    /// <summary>What the loop answers that is asked to unpin.</summary>
    public Task<bool> Unpinned { get; init; } = Task.FromResult(false);

    public int Count => Names.Count;

    public IGenerationStream GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        string? unknown = request.Adapters.Select(use => use.Name).Append(request.Adapter)
            .FirstOrDefault(name => name is not null && !Contains(name));
        if (unknown is not null)
        {
            throw new AdapterNotFoundException(unknown);
        }

        Requests.Add(request);
        Prompts.Add(tokenizer.Decode(request.Prompt.Span));
        return new Stream(this, request, tokenizer.Encode(script(Prompts[^1]), addSpecialTokens: false), cancellationToken);
    }

    public Task<bool> DrainAsync(TimeSpan limit, CancellationToken cancellationToken = default) => Task.FromResult(true);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public bool Contains(string name) => Names.Contains(name);

    public bool TryGet(string name, [NotNullWhen(true)] out AdapterStatus? adapter)
    {
        adapter = null;
        return false;
    }

    public IReadOnlyList<AdapterStatus> List() => [];

    public Task<AdapterCoverage> RegisterAsync(string name, string folder, AdapterValidation validation, CancellationToken token) =>
        throw new NotSupportedException();

    public Task<AdapterCoverage> RegisterTensorsAsync(string name, AdapterTensors tensors, CancellationToken token) =>
        throw new NotSupportedException();

    public Task<AdapterCoverage> ReplaceAsync(string name, string folder, AdapterValidation validation, CancellationToken token) =>
        throw new NotSupportedException();

    public Task<AdapterCoverage> ReplaceTensorsAsync(string name, AdapterTensors tensors, CancellationToken token) =>
        throw new NotSupportedException();

    public Task<bool> RefreshAsync(string name, CancellationToken token) => throw new NotSupportedException();

    public Task<bool> UnregisterAsync(string name) => throw new NotSupportedException();

    public Task PreloadAsync(string name, CancellationToken token) => throw new NotSupportedException();

    public Task PinAsync(string name, CancellationToken token) => throw new NotSupportedException();

    public Task<bool> UnpinAsync(string name) => Unpinned;

    public Task<EvictedAdapter> EvictAsync(string name) => throw new NotSupportedException();

    private sealed class Stream(ScriptedEngine engine, GenerationRequest request, int[] answer, CancellationToken cancellation)
        : IGenerationStream
    {
        public GenerationRequest Request => request;

        public FinishReason? FinishReason { get; private set; }

        public IReadOnlyList<FinishReason> FinishReasons => FinishReason is { } reason ? [reason] : [];

        public IReadOnlyList<PromptTokenLogProbability?> PromptLogProbabilities => [];

        public GenerationUsage? Usage { get; private set; }

        public IAsyncEnumerable<GenerationUpdate> Updates => Read();

        public async IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken token = default)
        {
            await foreach (GenerationUpdate update in Read(token))
            {
                if (update.End is null)
                {
                    yield return update.Token;
                }
            }
        }

        private async IAsyncEnumerable<GenerationUpdate> Read([EnumeratorCancellation] CancellationToken token = default)
        {
            int made = 0;
            IStopMatcher? stop = request.StopCondition?.Begin(request.Prompt.Span, 0);
            engine.Open++;
            try
            {
                FinishReason reason = SLoRA.FinishReason.StopToken;
                foreach (int id in answer)
                {
                    await Task.Yield();
                    cancellation.ThrowIfCancellationRequested();
                    token.ThrowIfCancellationRequested();
                    yield return new GenerationUpdate(new GeneratedToken(id, made++));
                    reason = stop?.IsMet(id) == true ? request.StopCondition!.Reason
                        : made == request.MaxTokens ? SLoRA.FinishReason.Length : reason;
                    if (reason != SLoRA.FinishReason.StopToken)
                    {
                        break;
                    }
                }

                if (engine.NeverEnds)
                {
                    await new TaskCompletionSource().Task.WaitAsync(cancellation);
                }

                FinishReason = reason;
                yield return new GenerationUpdate(new ContinuationEnd(0, reason, made) { StopString = stop?.StopString });
            }
            finally
            {
                engine.Open--;
                FinishReason ??= SLoRA.FinishReason.Cancelled;
                Usage = new GenerationUsage
                {
                    PromptTokens = request.Prompt.Length,
                    CachedTokens = 3,
                    CachedPromptTokens = 3,
                    GeneratedTokens = made,
                    QueueTime = TimeSpan.FromMilliseconds(2),
                    PageInTime = TimeSpan.FromMilliseconds(5),
                    PrefillTime = TimeSpan.Zero,
                    DecodeTime = TimeSpan.Zero,
                    Preemptions = 7,
                    Generations = request.Adapter is { } adapter ? [$"generation of {adapter}"] : [],
                };
            }
        }
    }
}
