using SLoRA.HuggingFace.Cache;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>Room for what is to come.</summary>
internal static class DiskSpace
{
    /// <summary>Bytes that the disk of a folder has left for this user; null where the system does not say.</summary>
    public static long? Of(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new DriveInfo(RealPath.Of(folder) ?? folder).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
