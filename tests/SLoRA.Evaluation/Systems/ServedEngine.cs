using SLoRA.Adapters.Resident;
using SLoRA.Engine;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Systems;

/// <summary>One engine, whose steps the caller makes, behind a gate.</summary>
/// <param name="assembly">The engine; owned.</param>
/// <param name="options">What its requests are like.</param>
internal sealed class ServedEngine(EngineAssembly assembly, RequestStyle options) : IServingSystem
{
    private readonly Dictionary<int, TraceRequest> _waiting = [];
    private readonly Dictionary<int, Task<List<int>>> _answers = [];
    private readonly List<Asked> _active = [];
    private readonly List<Progress> _progress = [];

    /// <summary>Says who may run.</summary>
    public IGate Gate { get; set; } = new OpenGate();

    /// <inheritdoc/>
    public bool MayWork => _active.Count > 0;

    /// <inheritdoc/>
    public double Patience => 0.001;

    /// <summary>Pages of the pool.</summary>
    public int TotalPages => assembly.Loop.TotalPages;

    /// <summary>The engine's counts.</summary>
    public EngineStatus Status => assembly.Loop.Monitor.Status();

    /// <summary>How an adapter is called.</summary>
    public static string NameOf(int adapter) => $"adapter-{adapter}";

    /// <summary>Pages of a number of tokens.</summary>
    public int PagesFor(int tokens) => assembly.Loop.Parts.Layout.PagesFor(tokens);

    /// <summary>Pages of an adapter.</summary>
    public int PagesOf(int adapter) => assembly.Loop.Names.Current[NameOf(adapter)].PageCount;

    /// <summary>Takes the pages of an adapter that nobody uses.</summary>
    public void Evict(int adapter)
    {
        AdapterRegistration registration = assembly.Loop.Names.Current[NameOf(adapter)];
        if (registration.Generation is { IsIdle: true } generation && (generation.Resident is not null || generation.IsPagingIn))
        {
            assembly.Loop.DeviceCache.Evict(generation);
        }
    }

    /// <inheritdoc/>
    public void Submit(int number, TraceRequest request)
    {
        _waiting.Add(number, request);
        Gate.Arrive(number, request);
    }

    /// <inheritdoc/>
    public bool Step()
    {
        while (Gate.TryAdmit() is { } number)
        {
            _waiting.Remove(number, out TraceRequest request);
            Ask(number, request);
        }

        bool worked = assembly.Loop.Step();
        Look();
        return worked || _progress.Count > 0;
    }

    /// <inheritdoc/>
    public IEnumerable<Progress> TakeProgress()
    {
        Progress[] taken = [.. _progress];
        _progress.Clear();
        return taken;
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> AnswerOf(int number) => _answers[number].GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        assembly.Loop.End(new EngineDisposedException());
        assembly.Dispose();
    }

    private void Ask(int number, TraceRequest request)
    {
        var asked = new GenerationRequest
        {
            Prompt = Trace.PromptOf(number, request.Prompt, assembly.Model.VocabularySize),
            Adapter = request.Adapter == TraceRequest.Base || !options.NamesAdapters ? null : NameOf(request.Adapter),
            ClientId = request.Adapter == TraceRequest.Base ? null : NameOf(request.Adapter),
            MaxTokens = request.Output,
            IgnoreEndOfText = true,
            FirstTokenTarget = options.FirstTokenTarget,
        };
        (GenerationRequest accepted, int maxTokens) = RequestRules.Accept(asked, assembly.Model, assembly.Scheduling);
        var stream = new GenerationStream(assembly.Loop.Port, accepted, maxTokens, default);
        _answers.Add(number, ReadAsync(stream));
        _active.Add(new Asked(number, stream));
    }

    /// <summary>Hands the request in, and reads the answer when it is there: nothing wakes up for single tokens.</summary>
    private static async Task<List<int>> ReadAsync(GenerationStream stream)
    {
        List<int> tokens = [];
        try
        {
            await using IAsyncEnumerator<GeneratedToken> answer = stream.GetAsyncEnumerator();
            while (await answer.MoveNextAsync().ConfigureAwait(false))
            {
                tokens.Add(answer.Current.Id);
                await stream.Ending.ConfigureAwait(false);
            }
        }
        catch (FirstTokenTargetException)
        {
            // It was given up: what there is of it is the answer.
        }
        catch (EngineDisposedException)
        {
            // The run was broken off.
        }

        return tokens;
    }

    private void Look()
    {
        int kept = 0;
        for (int i = 0; i < _active.Count; i++)
        {
            Asked asked = _active[i];
            if (asked.Stream.Ending.IsCompleted)
            {
                Gate.Leave(asked.Number);
                _progress.Add(new Progress(asked.Number, asked.Stream.Published > 1, EndingOf(asked.Stream)));
                continue;
            }

            if (!asked.HasTokens && asked.Stream.Published > 0)
            {
                asked.HasTokens = true;
                _progress.Add(new Progress(asked.Number, true, Ending.None));
            }

            _active[kept++] = asked;
        }

        _active.RemoveRange(kept, _active.Count - kept);
    }

    private static Ending EndingOf(GenerationStream stream) => stream.FinishReason switch
    {
        FinishReason.Length => Ending.Completed,
        FinishReason.FirstTokenTarget => Ending.Aborted,
        _ => throw new InvalidOperationException($"A request ended with {stream.FinishReason}."),
    };

    private sealed class Asked(int number, GenerationStream stream)
    {
        public int Number { get; } = number;

        public GenerationStream Stream { get; } = stream;

        public bool HasTokens { get; set; }
    }
}

/// <summary>What the requests of a run are like.</summary>
/// <param name="NamesAdapters">Whether they name their adapters; else the weights are theirs already.</param>
/// <param name="FirstTokenTarget">How long a first token may take; null for no target.</param>
internal sealed record RequestStyle(bool NamesAdapters, TimeSpan? FirstTokenTarget = null);
