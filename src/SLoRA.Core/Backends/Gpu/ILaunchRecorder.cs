namespace SLoRA.Backends.Gpu;

/// <summary>
/// Keeps launches of the steps' stream and repeats them as one. What a launch was given by value is kept with it: addresses, lengths,
/// numbers, its grid; what it finds behind the addresses is what is there when it is repeated.
/// </summary>
internal interface ILaunchRecorder
{
    /// <summary>From now on launches are kept, and not run. False if the driver will not.</summary>
    bool TryBegin();

    /// <summary>Launches are run again.</summary>
    /// <returns>What was kept, or 0 if the driver could not.</returns>
    nint End();

    /// <summary>Runs what was kept, behind everything that the stream was given.</summary>
    /// <exception cref="ILGPU.Runtime.AcceleratorException">The driver refuses.</exception>
    void Launch(nint kept);

    /// <summary>Frees what was kept; nothing of it is under way. Does not throw.</summary>
    void Free(nint kept);
}
