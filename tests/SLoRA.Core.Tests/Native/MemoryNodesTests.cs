using NUnit.Framework;
using SLoRA.Native;

namespace SLoRA.Core.Tests.Native;

/// <summary>Which processors lie beside which memory, read from folders such as Linux shows.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class MemoryNodesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("slora-nodes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestCase("0-3,8-9", new[] { 0, 1, 2, 3, 8, 9 })]
    [TestCase("5\n", new[] { 5 })]
    [TestCase("\n", new int[0])]
    [TestCase("0, 2 ,4", new[] { 0, 2, 4 })]
    public void Lists_are_read(string list, int[] processors) => Assert.That(MemoryNodes.Parse(list), Is.EqualTo(processors));

    [TestCase("3-1")]
    [TestCase("0-")]
    [TestCase("-1")]
    [TestCase("1-2-3")]
    [TestCase("a")]
    [TestCase("99999999999")]
    [TestCase("0-4096")]
    public void What_is_no_list_is_told(string list) => Assert.That(MemoryNodes.Parse(list), Is.Null);

    [Test]
    public void Nodes_come_in_the_order_of_their_numbers_with_the_processors_that_may_be_used()
    {
        Node("node10", "6-7");
        Node("node2", "4-5");
        Node("node0", "0-3");
        Node("node1", "");
        Node("nodes", "8");
        File.WriteAllText(Path.Combine(_folder, "online"), "0-2,10");

        Assert.That(MemoryNodes.Read(_folder, null), Is.EqualTo((int[][])[[0, 1, 2, 3], [4, 5], [6, 7]]));
        Assert.That(MemoryNodes.Read(_folder, new HashSet<int> { 1, 3, 6 }), Is.EqualTo((int[][])[[1, 3], [6]]));
    }

    [Test]
    public void A_system_that_does_not_say_has_no_nodes()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "node0"));

        Assert.That(MemoryNodes.Read(_folder, null), Is.Empty);
        Assert.That(MemoryNodes.Read(Path.Combine(_folder, "none"), null), Is.Empty);
    }

    private void Node(string name, string processors) =>
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, name)).FullName, "cpulist"), processors);
}
