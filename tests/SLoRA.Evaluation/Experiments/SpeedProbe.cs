using SLoRA.Evaluation.Systems;
using SLoRA.Evaluation.Workloads;
using SLoRA.Formats;

namespace SLoRA.Evaluation.Experiments;

/// <summary>
/// How fast the machine is right now: a few requests that are always the same, on an engine that stays. Processors change their frequency
/// and have neighbours, so that the same run takes a fifth longer a minute later; two runs can be compared with each other, or with a
/// prediction, when each knows how fast the machine was around it.
/// </summary>
internal sealed class SpeedProbe : IDisposable
{
    private const int Times = 3;
    private const int Requests = 10;
    private const int Adapters = 4;
    private const int PromptTokens = 48;
    private const int OutputTokens = 24;

    private readonly RealEngines _source;
    private readonly ServedEngine _engine;
    private int _asked;

    /// <summary>Makes the engine, and has it compiled.</summary>
    public SpeedProbe(MeasuredMachine machine)
    {
        _source = new RealEngines(machine.Shape, TensorType.BF16, machine.Threads);
        _engine = _source.Create(machine.Setup(Adapters, MeasuredMachine.AllRanks), paddedRank: null);
    }

    /// <summary>
    /// Seconds that the requests take now: the least of a few times, since what disturbs one for a moment does not disturb a run that is
    /// many times as long.
    /// </summary>
    public double Take()
    {
        double least = double.PositiveInfinity;
        for (int i = 0; i < Times; i++)
        {
            least = Math.Min(least, TakeOnce());
        }

        return least;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _source.Dispose();
    }

    private double TakeOnce()
    {
        double start = _source.Clock.Seconds;
        for (int i = 0; i < Requests; i++)
        {
            _engine.Submit(_asked++, new TraceRequest(0, i % Adapters, PromptTokens, OutputTokens));
        }

        for (int ended = 0; ended < Requests;)
        {
            _engine.Step();
            ended += _engine.TakeProgress().Count(progress => progress.Ending != Ending.None);
        }

        return _source.Clock.Seconds - start;
    }
}
