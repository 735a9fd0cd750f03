using Microsoft.Extensions.Logging;
using SLoRA.Errors;

namespace SLoRA.Diagnostics;

/// <summary>Everything that is logged, with stable event ids.</summary>
internal static partial class Log
{
    [LoggerMessage(
        1, LogLevel.Information, "Loaded {Architecture} ({Parameters} parameters) on {Backend}: {Pages} pages of {PageBytes} bytes")]
    public static partial void Loaded(ILogger logger, string architecture, long parameters, string backend, int pages, long pageBytes);

    public static void Registered(ILogger logger, string adapter, object coverage) =>
        RegisteredShown(logger, Shown.Name(adapter), coverage);

    public static void Unregistered(ILogger logger, string adapter) => UnregisteredShown(logger, Shown.Name(adapter));

    /// <summary>
    /// An adapter could not be read. Whoever asked for it is told the problem, but not where on this machine its files lie.
    /// </summary>
    public static void NotRead(ILogger logger, string problem, string location) =>
        NotReadShown(logger, problem, Shown.Text(location, 4096));

    [LoggerMessage(4, LogLevel.Warning, "generation_config.json asks for {Setting}, which is not applied")]
    public static partial void SettingNotApplied(ILogger logger, string setting);

    [LoggerMessage(8, LogLevel.Warning, "The model has parts for other things than text; their {Tensors} tensors are left out")]
    public static partial void PartsLeftOut(ILogger logger, int tensors);

    [LoggerMessage(7, LogLevel.Warning, "The {Backend} backend is several times slower than it could be, with {Shortcoming}")]
    public static partial void SlowBackend(ILogger logger, string backend, string shortcoming);

    /// <summary>What became of the image of packed weights.</summary>
    public static void PackedImage(ILogger logger, PackedImageStatus image)
    {
        if (image.IsUsed)
        {
            ImageUsed(logger, image.File, image.Bytes);
        }
        else if (image.Problem is PackedImageProblem.Missing or PackedImageProblem.OtherVersion or PackedImageProblem.OtherModel)
        {
            ImageNotUsed(logger, image.File, image.Problem, image.Details!);
        }
        else
        {
            ImageRefused(logger, image.File, image.Problem, image.Details!);
        }

        if (image.WriteProblem is { } problem)
        {
            ImageNotWritten(logger, image.File, problem);
        }
    }

    [LoggerMessage(5, LogLevel.Critical, "The engine failed and takes no more requests")]
    public static partial void Faulted(ILogger logger, Exception error);

    /// <summary>A name's content cannot be read again because it is something else now.</summary>
    public static void Changed(ILogger logger, string adapter, object expected, object found) =>
        ChangedShown(logger, Shown.Name(adapter), expected, found);

    /// <summary>A name's content was something else when it was read again, and is served.</summary>
    public static void Adopted(ILogger logger, string adapter, object before, object now) =>
        AdoptedShown(logger, Shown.Name(adapter), before, now);

    [LoggerMessage(9, LogLevel.Information, "Packed weights come out of {File} ({Bytes} bytes)")]
    private static partial void ImageUsed(ILogger logger, string file, long bytes);

    [LoggerMessage(10, LogLevel.Information, "Weights were packed: {File} {Details} ({Problem})")]
    private static partial void ImageNotUsed(ILogger logger, string file, PackedImageProblem problem, string details);

    [LoggerMessage(11, LogLevel.Warning, "Weights were packed: {File} {Details} ({Problem})")]
    private static partial void ImageRefused(ILogger logger, string file, PackedImageProblem problem, string details);

    [LoggerMessage(12, LogLevel.Warning, "Packed weights are not kept: {File} {Problem}")]
    private static partial void ImageNotWritten(ILogger logger, string file, string problem);

    [LoggerMessage(2, LogLevel.Information, "Registered adapter {Adapter}: {Coverage}", EventName = "Registered")]
    private static partial void RegisteredShown(ILogger logger, string adapter, object coverage);

    [LoggerMessage(3, LogLevel.Information, "Unregistered adapter {Adapter}", EventName = "Unregistered")]
    private static partial void UnregisteredShown(ILogger logger, string adapter);

    [LoggerMessage(6, LogLevel.Warning, "{Problem} ({Location})", EventName = "NotRead")]
    private static partial void NotReadShown(ILogger logger, string problem, string location);

    [LoggerMessage(20, LogLevel.Warning, "Adapter {Adapter} is not what it was, and requests that need to read it are refused until it is "
        + "refreshed or replaced: it is {Found} now, the name stands for {Expected}", EventName = "Changed")]
    private static partial void ChangedShown(ILogger logger, string adapter, object expected, object found);

    [LoggerMessage(21, LogLevel.Warning, "Adapter {Adapter} is not what it was, and is served as it is now: it was {Before} and is {Now}",
        EventName = "Adopted")]
    private static partial void AdoptedShown(ILogger logger, string adapter, object before, object now);
}
