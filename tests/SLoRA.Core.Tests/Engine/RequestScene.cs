using SLoRA.Adapters.Resident;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Engine;
using SLoRA.Pool;
using SLoRA.Sampling;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// The requests of an engine that makes no step: what takes them in, lets them run and ends them, over a pool of 64 pages of 16 tokens.
/// Adapter <c>r1</c> is registered, and its content is in main memory.
/// </summary>
internal sealed class RequestScene : IDisposable
{
    private readonly SteppedEngine _engine;

    public RequestScene(Func<IBackend, IBackend>? backend = null)
    {
        _engine = new SteppedEngine(
            builder => builder
                .UseBackend((rows, outputs) => backend?.Invoke(new ReferenceBackend(rows, outputs)) ?? new ReferenceBackend(rows, outputs))
                .ConfigurePool(pool => (pool.Bytes, pool.PrefixReuse) = (64 * 12288, false)),
            adapters: ["r1"]);
        Demand = new PageDemand(Pool, _engine.Loop.DeviceCache);
    }

    public WaitingQueue Queue => _engine.Loop.Stages.Queue;

    public ActiveRequests Requests => _engine.Loop.Stages.Requests;

    public RequestEndings Endings => _engine.Loop.Stages.Endings;

    public Publisher Publisher => _engine.Loop.Stages.Publisher;

    public PageDemand Demand { get; }

    public WaitingNeeds Needs => _engine.Loop.Stages.Residency.Needs;

    public PagePool Pool => _engine.Loop.Parts.Pool;

    public AdapterRegistration Registration => _engine.Loop.Names.Current["r1"];

    /// <summary>A sequence that nobody has taken in.</summary>
    public Sequence New(GenerationRequest request)
    {
        GenerationStream stream = _engine.Stream(request);
        var rules = new StopRules(request.StopTokens, [], false, stream.MaxTokens);
        var state = new RequestState(stream, _engine.Loop.Names.Resolve(request), rules, 1, 1);
        return new Sequence(state, new PageTable(Pool, new TableShape(16)));
    }

    /// <summary>A sequence that waits.</summary>
    public Sequence Add(GenerationRequest request)
    {
        Queue.TryEnter();
        Sequence sequence = New(request);
        Requests.Add(sequence);
        return sequence;
    }

    /// <summary>A sequence that runs, all but the last token of its prompt computed.</summary>
    public Sequence Run(GenerationRequest request)
    {
        Sequence sequence = Add(request);
        Requests.Admit();
        sequence.Begin();
        sequence.Table.Extend(sequence.PromptLength);
        sequence.Advance(sequence.PromptLength - 1);
        return sequence;
    }

    public void Dispose() => _engine.Dispose();
}
