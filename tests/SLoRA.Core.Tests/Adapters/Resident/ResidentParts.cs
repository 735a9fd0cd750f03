using SLoRA.Adapters.Intake;
using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Formats;
using SLoRA.Pool;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Adapters.Resident;

/// <summary>The parts that keep adapters, over sixteen small pages in an array, without an engine.</summary>
internal sealed class ResidentParts : INeededNext, IDisposable
{
    public const int PageBytes = 4096;
    public const int Pages = 16;

    public ResidentParts(int mostFromSource = 0)
    {
        Store = new HostStore(Memory, Slice, this, Options, Clock);
        Cache = new DeviceCache(Pool, Memory, Store, Arrived.Add, Clock);
        Generations = new Generations(Store, Cache, null);
        Names = new AdapterNames(Generations, mostFromSource > 0, mostFromSource, Clock);
    }

    public ManualClock Clock { get; } = new();

    public AdapterCacheOptions Options { get; } = new();

    public PagePool Pool { get; } = new(Pages);

    public ArrayPages Memory { get; } = new(Pages, PageBytes);

    public SliceBudget Slice { get; } = new(0);

    public HostStore Store { get; }

    public DeviceCache Cache { get; }

    public Generations Generations { get; }

    public AdapterNames Names { get; }

    public LeaseCount Leases { get; } = new();

    /// <summary>How long each generation took that has arrived in its pages.</summary>
    public List<TimeSpan> Arrived { get; } = [];

    /// <summary>What the one needs whose turn comes next.</summary>
    public Generation? Next { get; set; }

    public bool Needs(Generation generation) => ReferenceEquals(generation, Next);

    /// <summary>An adapter that no name stands for yet.</summary>
    public static AdapterRegistration Registration(string name, int pages = 1, bool canReadAgain = true)
    {
        TileDirectory directory = Directory(pages);
        var shape = new AdapterShape(new AdapterParts([], [], []), PageBytes, _ => directory);
        return new AdapterRegistration(
            name, new AdapterHeaders(new Package(name, canReadAgain), new AdapterCoverage([], 1, [], [], 0, 0, []), default, shape, null));
    }

    /// <summary>A content whose bytes are all equal to its number.</summary>
    public static PageImage Image(byte content, int pages = 1)
    {
        var scratch = new ArrayPages(pages, PageBytes);
        for (int page = 0; page < pages; page++)
        {
            scratch.Write(page, 0, Enumerable.Repeat(content, PageBytes).ToArray());
        }

        return PageImage.FromPages(
            new GenerationId(0, content), new ResidentAdapter(Directory(pages), [.. Enumerable.Range(0, pages)]), scratch);
    }

    /// <summary>A registered adapter with its content in main memory.</summary>
    public AdapterRegistration Add(string name, byte content, int pages = 1, bool canReadAgain = true)
    {
        AdapterRegistration registration = Registration(name, pages, canReadAgain);
        Names.Register(registration, Image(content, pages), replace: false);
        return registration;
    }

    /// <summary>The same with its content in pages too.</summary>
    public Generation AddResident(string name, byte content, int pages = 1)
    {
        Generation generation = Add(name, content, pages).Generation!;
        Cache.BeginCopy(generation);
        Cache.PageIn(long.MaxValue);
        return generation;
    }

    public Lease Lease(AdapterRegistration registration) => new(registration, 1, Leases);

    public byte[] BytesOf(int page)
    {
        var bytes = new byte[PageBytes];
        Memory.Read(page, 0, bytes);
        return bytes;
    }

    public void Dispose() => Generations.Clear();

    /// <summary>One module whose last tile ends where the last page does.</summary>
    private static TileDirectory Directory(int pages)
    {
        var matrix = new MatrixTiles
        {
            Type = TensorType.F32,
            Rows = 1,
            Columns = 16,
            Tiles = [new Tile(pages - 1, PageBytes - 64, 0, 1, 0, 16)],
        };
        return new TileDirectory([new ModuleTiles { Rank = 1, Scale = 1, A = matrix, B = matrix }], pages);
    }

    private sealed class Package(string name, bool canReadAgain) : AdapterPackage(name)
    {
        public override bool CanReadAgain => canReadAgain;

        public override AdapterReader Open(PacedLoad? load = null) => throw new NotSupportedException();
    }
}
