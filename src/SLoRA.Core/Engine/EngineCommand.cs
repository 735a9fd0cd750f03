namespace SLoRA.Engine;

/// <summary>Something that the engine's thread is to do between two steps.</summary>
internal abstract class EngineCommand
{
    /// <summary>Does it. Errors are the command's own business: nothing may escape.</summary>
    public abstract void Apply(EngineLoop loop);

    /// <summary>The engine ends before the command could be applied.</summary>
    public virtual void Abandon(Exception reason)
    {
    }
}
