using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>A request arrives.</summary>
internal sealed class Submission(GenerationStream stream) : EngineCommand
{
    public override void Apply(EngineLoop loop)
    {
        try
        {
            loop.Arrivals.Take(stream);
        }
        catch (Exception error)
        {
            loop.Arrivals.Refuse(stream, error);
        }
    }

    public override void Abandon(Exception reason) =>
        stream.EndUnserved(reason is EngineDisposedException ? FinishReason.Disposed : FinishReason.Failed, reason);
}

/// <summary>A caller cancels or leaves.</summary>
internal sealed class Cancellation(GenerationStream stream) : EngineCommand
{
    public override void Apply(EngineLoop loop) => loop.Endings.Cancel(stream);
}

/// <summary>The caller of a preload waits no more.</summary>
internal sealed class PreloadCancelled(Preload preload) : EngineCommand
{
    public override void Apply(EngineLoop loop) => loop.Preloads.Cancel(preload);
}

/// <summary>The time that a request was given is over.</summary>
internal sealed class DeadlinePassed(RequestState request) : EngineCommand
{
    public override void Apply(EngineLoop loop) =>
        loop.Endings.Fail(request, new DeadlineExceededException(request.Asked.Deadline!.Value));
}

/// <summary>A paused sequence can go on.</summary>
internal sealed class Wake : EngineCommand
{
    public static readonly Wake Instance = new();

    public override void Apply(EngineLoop loop)
    {
    }
}

/// <summary>The content of an adapter has been read, or could not be.</summary>
internal sealed class ContentLoaded(AdapterRegistration registration, LoadedAdapter? loaded, Exception? error) : EngineCommand
{
    public override void Apply(EngineLoop loop) => loop.Contents.Take(registration, loaded, error);

    public override void Abandon(Exception reason) => loaded?.Dispose();
}

/// <summary>Something to do on the engine's thread whose outcome somebody awaits.</summary>
internal sealed class Call<T>(Func<EngineLoop, T> action) : EngineCommand
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The outcome.</summary>
    public Task<T> Result => _result.Task;

    public override void Apply(EngineLoop loop)
    {
        try
        {
            _result.SetResult(action(loop));
        }
        catch (Exception error)
        {
            _result.SetException(error);
        }
    }

    public override void Abandon(Exception reason) => _result.TrySetException(reason);
}
