namespace SLoRA.Engine;

/// <summary>One order in which the stages of a step follow one another. Belongs to the engine's thread.</summary>
internal interface IEngineStep : IDisposable
{
    /// <summary>Makes one step.</summary>
    /// <returns>False when there was nothing to do until something is posted.</returns>
    bool Run();
}
