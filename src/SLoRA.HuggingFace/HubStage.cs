namespace SLoRA.HuggingFace;

/// <summary>What a download is doing.</summary>
public enum HubStage
{
    /// <summary>Asks the Hub which files the revision has.</summary>
    Listing,

    /// <summary>Waits: for another process that fetches the same file, or because the Hub asked for it.</summary>
    Waiting,

    /// <summary>Fetches bytes.</summary>
    Downloading,

    /// <summary>Reads a file that has arrived, to compare its hash.</summary>
    Verifying,

    /// <summary>All files are in the cache.</summary>
    Done,
}
