package demo;

public interface CartService extends Shop {}
