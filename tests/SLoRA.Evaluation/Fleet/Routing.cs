using SLoRA.Core.Bench.Workload;

namespace SLoRA.Evaluation.Fleet;

/// <summary>Chooses the replica of a request.</summary>
internal abstract class Routing
{
    /// <summary>How it is called.</summary>
    public abstract string Name { get; }

    /// <summary>The replica of a request for an adapter.</summary>
    public abstract int Choose(int adapter, IReadOnlyList<Replica> replicas);

    /// <summary>All of them.</summary>
    public static IEnumerable<Routing> All() => [new AnyReplica(), new LeastLoaded(), new AdapterHome()];

    /// <summary>The replica with the fewest requests; the first of several.</summary>
    protected static int Least(IReadOnlyList<Replica> replicas)
    {
        int least = 0;
        for (int i = 1; i < replicas.Count; i++)
        {
            least = replicas[i].Load < replicas[least].Load ? i : least;
        }

        return least;
    }

    private sealed class AnyReplica : Routing
    {
        private readonly LegacyRandom _random = new(42);

        public override string Name => "random";

        public override int Choose(int adapter, IReadOnlyList<Replica> replicas) => _random.NextInteger(0, replicas.Count);
    }

    private sealed class LeastLoaded : Routing
    {
        public override string Name => "least loaded";

        public override int Choose(int adapter, IReadOnlyList<Replica> replicas) => Least(replicas);
    }

    /// <summary>
    /// Each adapter has a few replicas in an order of its own, and the first of them is taken that has not much more than its share of the
    /// load; so adapters that are asked for often spread over more.
    /// </summary>
    private sealed class AdapterHome : Routing
    {
        private const int Homes = 4;
        private const double Excess = 1.25;

        public override string Name => "adapter-affine";

        public override int Choose(int adapter, IReadOnlyList<Replica> replicas)
        {
            long load = 0;
            for (int i = 0; i < replicas.Count; i++)
            {
                load += replicas[i].Load;
            }

            double most = (Excess * (load + 1) / replicas.Count) + 1;
            for (uint i = 0; i < Homes; i++)
            {
                int home = (int)(Mix(((ulong)(uint)adapter << 3) + i) % (ulong)replicas.Count);
                if (replicas[home].Load < most)
                {
                    return home;
                }
            }

            return Least(replicas);
        }

        private static ulong Mix(ulong value)
        {
            value += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
