namespace SLoRA;

/// <summary>How far the loading of a base model has come.</summary>
/// <param name="Stage">What is being done: <c>weights</c> while the tensor files are read through, then <c>device</c> while they are made
/// ready for the device.</param>
/// <param name="BytesDone">Bytes of this stage that are done.</param>
/// <param name="BytesTotal">Bytes of this stage in all; the last report of a stage has <paramref name="BytesDone"/> equal to it.</param>
public readonly record struct LoadProgress(string Stage, long BytesDone, long BytesTotal);
