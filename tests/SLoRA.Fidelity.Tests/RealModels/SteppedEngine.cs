using System.Globalization;
using SLoRA.Engine;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>An engine whose steps the test makes itself, so that it decides what arrives before which of them.</summary>
internal sealed class SteppedEngine(LoraServingEngineBuilder builder, Func<int>? chunkLimit = null) : IDisposable
{
    private readonly EngineAssembly _assembly = builder.CheckInvariants().Assemble(chunkLimit: chunkLimit);

    /// <summary>Steps made so far.</summary>
    public int Steps { get; private set; }

    public AdapterCollection Adapters => field ??= new AdapterCollection(_assembly.Loop, _assembly.Intake, _assembly.Logger);

    private EngineLoop Loop => _assembly.Loop;

    /// <summary>Hands a request in, before the next step.</summary>
    public SteppedAnswer Submit(GenerationRequest request, CancellationToken cancellation = default) =>
        new(new GenerationStream(Loop.Port, request, request.MaxTokens!.Value, cancellation));

    public bool Step()
    {
        Steps++;
        return Loop.Step();
    }

    /// <summary>Steps until all answers are complete.</summary>
    public void Finish(IEnumerable<SteppedAnswer> answers)
    {
        foreach (SteppedAnswer answer in answers)
        {
            while (answer.IsRunning)
            {
                Step();
            }
        }
    }

    /// <summary>What is wrong with the pool now that nothing runs: null when every page is free or kept as a prefix.</summary>
    public string? Leak()
    {
        EngineSnapshot snapshot = Loop.Snapshot();
        return snapshot is { Sequences: [], Generations: [], Pool.Reserved: 0 }
            && snapshot.Pool.Free.Length + snapshot.IdlePrefixes == snapshot.Pool.Owners.Length
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{snapshot.Sequences.Length} sequences, {snapshot.Generations.Length} generations, {snapshot.Pool.Reserved} pages "
                + $"reserved, {snapshot.Pool.Free.Length} of {snapshot.Pool.Owners.Length} free");
    }

    public void Dispose()
    {
        Loop.End(new EngineDisposedException());
        _assembly.Dispose();
    }
}

/// <summary>The answer to a request that was handed to a <see cref="SteppedEngine"/>.</summary>
internal sealed class SteppedAnswer
{
    private readonly GenerationStream _stream;

    public SteppedAnswer(GenerationStream stream)
    {
        _stream = stream;
        Tokens = Collect();
    }

    /// <summary>Its tokens so far when it was cancelled.</summary>
    public Task<int[]> Tokens { get; }

    public bool IsRunning => _stream.FinishReason is null;

    private async Task<int[]> Collect()
    {
        var tokens = new List<int>();
        try
        {
            await foreach (GeneratedToken token in _stream)
            {
                tokens.Add(token.Id);
            }
        }
        catch (OperationCanceledException)
        {
            // Asked for by the test.
        }

        return [.. tokens];
    }
}
