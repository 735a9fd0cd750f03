using SLoRA.Adapters.Packing;
using SLoRA.Backends;

namespace SLoRA.Adapters.Resident;

/// <summary>
/// Page images in main memory, up to a bound: what can be read again goes, and what nobody waits for goes first. Belongs to the engine's
/// thread.
/// </summary>
/// <param name="memory">The pages' bytes.</param>
/// <param name="slice">What may be copied in this step.</param>
/// <param name="next">What stays whatever the bound, because it is needed next.</param>
/// <param name="options">The bounds.</param>
/// <param name="clock">The clock.</param>
internal sealed class HostStore(
    IPageMemory memory, SliceBudget slice, INeededNext next, AdapterCacheOptions options, TimeProvider clock)
{
    /// <summary>What waiting requests add to the worth: what they hold goes last.</summary>
    private const double WaitedFor = 1e18;

    private readonly List<Generation> _held = [];

    /// <summary>Bytes of the images held.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes the image of a generation over, which has none.</summary>
    public void Keep(Generation generation, PageImage image)
    {
        generation.Image = image;
        Bytes += image.Bytes;
        _held.Add(generation);
    }

    /// <summary>Drops the image of a generation.</summary>
    /// <returns>Bytes that were freed.</returns>
    public long Drop(Generation generation)
    {
        if (generation.Image is not { } image)
        {
            return 0;
        }

        long bytes = image.Bytes;
        generation.Image = null;
        Bytes -= bytes;
        _held.Remove(generation);
        image.Dispose();
        return bytes;
    }

    /// <summary>Whether so many bytes could be added if everything that nobody holds, and that pages hold too, were dropped.</summary>
    public bool HasRoomFor(long bytes)
    {
        long held = Bytes;
        if (held + bytes > options.HostBytes)
        {
            foreach (Generation generation in _held)
            {
                held -= CanDrop(generation) && (generation.Resident is not null || generation.Leases == 0) ? generation.Image!.Bytes : 0;
            }
        }

        return held + bytes <= options.HostBytes;
    }

    /// <summary>
    /// A generation without an image loses its pages: reads the image back if it is needed next or could not be had again; if there is
    /// room, also when a request waits for it, or when reading back is cheap and the step has time for it. Called by the cache before it
    /// takes the pages.
    /// </summary>
    /// <exception cref="OutOfMemoryException">There is no memory for what could not be had again.</exception>
    public void ReadBack(Generation generation)
    {
        long bytes = PageImage.BytesOf(generation.Directory, memory.PageBytes);
        if (generation.MustStay || next.Needs(generation)
            || (HasRoomFor(bytes) && (generation.Leases > 0 || (memory.IsMainMemory && slice.TrySpend(bytes)))))
        {
            try
            {
                Keep(generation, PageImage.FromPages(generation.Id, generation.Resident!, memory));
            }
            catch (OutOfMemoryException) when (generation.FixedRegistrations == 0)
            {
                // It is read again instead, also for those who hold it: they wait for it.
            }
        }
    }

    /// <summary>
    /// Drops images until the bound is kept, as far as nobody needs them: first those whose bytes are in pages that lie in main memory too.
    /// </summary>
    public void Trim()
    {
        while (Bytes > options.HostBytes)
        {
            Generation? least = null;
            double leastWorth = 0;
            foreach (Generation generation in _held)
            {
                if (CanDrop(generation))
                {
                    double worth = WorthOf(generation);
                    if (least is null || worth < leastWorth || (worth == leastWorth && generation.Use.Order < least.Use.Order))
                    {
                        (least, leastWorth) = (generation, worth);
                    }
                }
            }

            if (least is null)
            {
                return;
            }

            Drop(least);
        }
    }

    /// <summary>Frees all images. Nothing may run any more.</summary>
    public void Clear()
    {
        while (_held.Count > 0)
        {
            Drop(_held[^1]);
        }
    }

    private bool CanDrop(Generation generation) =>
        generation is { Image: not null, IsPagingIn: false }
            && (generation.Resident is not null || !(generation.MustStay || next.Needs(generation)));

    private double WorthOf(Generation generation) => generation.Resident is not null && memory.IsMainMemory
        ? -1
        : generation.Use.Rate(clock.GetTimestamp(), clock) + (generation.Resident is null && generation.Leases > 0 ? WaitedFor : 0);
}
