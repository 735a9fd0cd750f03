using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Engine;

/// <summary>
/// Random histories of requests, cancellations, adapter changes and steps over a pool that is too small for all of it. The invariants hold after
/// every step, every request ends as its history says, and at the end every page is free.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class EngineStateMachineTests
{
    private static readonly string[] Contents = ["qv", "r1", "rslora", "wide", "embed-and-head"];

    [FsCheck.NUnit.Property(MaxTest = 60)]
    public void Nothing_is_lost_in_any_history(NonEmptyArray<byte> history, byte seed)
    {
        using var engine = new SteppedEngine(
            builder => builder.ConfigurePool(pool => pool.Bytes = 48 * 12288).ConfigureScheduling(scheduling =>
            {
                scheduling.MaxRowsPerStep = 16;
                scheduling.MaxRunning = 5;
            }),
            chunkLimit: new Random(seed).NextChunk);
        var registered = new Dictionary<string, string>();
        var asked = new List<(Answer Answer, CancellationTokenSource Cancellation)>();
        foreach (byte call in history.Get)
        {
            int argument = call / 8;
            string name = "name" + (argument % 3);
            switch (call % 8)
            {
                case 0 or 1:
                    string? adapter = argument % 4 == 0 || registered.Count == 0 ? null : registered.Keys.ElementAt(argument % registered.Count);
                    var cancellation = new CancellationTokenSource();
                    var request = new GenerationRequest { Prompt = Enumerable.Range(argument, 1 + argument).ToArray(), MaxTokens = 1 + (argument % 9), Adapter = adapter };
                    asked.Add((engine.Ask(request, cancellation.Token), cancellation));
                    break;
                case 2 when asked.Count > 0:
                    asked[argument % asked.Count].Cancellation.Cancel();
                    break;
                case 3:
                    string content = Contents[argument % Contents.Length];
                    engine.Run(engine.Adapters.ReplaceAsync(name, SteppedEngine.AdapterFolder(content), argument % 2 == 0 ? AdapterValidation.Headers : AdapterValidation.Content));
                    registered[name] = content;
                    break;
                case 4 when argument % 4 == 0:
                    Assert.That(engine.Run(engine.Adapters.UnregisterAsync(name)), Is.EqualTo(registered.Remove(name)));
                    break;
                default:
                    engine.Loop.Step();
                    break;
            }
        }

        engine.Finish(asked.Select(entry => entry.Answer));

        foreach ((Answer answer, CancellationTokenSource cancellation) in asked)
        {
            FinishReason reason = answer.Stream.FinishReason!.Value;
            Assert.That(
                reason,
                cancellation.IsCancellationRequested
                    ? Is.AnyOf(FinishReason.Cancelled, FinishReason.Length, FinishReason.StopToken)
                    : Is.AnyOf(FinishReason.Length, FinishReason.StopToken),
                answer.Error?.ToString());
        }

        foreach (string name in registered.Keys)
        {
            engine.Run(engine.Adapters.UnregisterAsync(name));
        }

        Assert.That(engine.Loop.HostStore.Count, Is.EqualTo(0), "contents");
        engine.DropCaches();
        Assert.That(engine.Loop.Snapshot().Pool.Free.Length, Is.EqualTo(engine.Status.Pool.Total), "free pages");
        Assert.That(engine.Loop.Snapshot().Pool.Reserved, Is.EqualTo(0), "promised pages");
    }
}

internal static class ChunkLimits
{
    /// <summary>A chunk of 1 to 12 rows.</summary>
    public static int NextChunk(this Random random) => random.Next(1, 13);
}
